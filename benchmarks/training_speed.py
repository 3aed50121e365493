"""Images per second of `train` beside a bare PyTorch loop that does the same work.

The same network, prepared data, augmentation, precision, batch size, optimiser, schedule, clipping
and weight average; the loop writes no log, no checkpoint and no progress. Only training batches
are timed. Goal: at least 0.97. Run: uv run python benchmarks/training_speed.py
"""

import argparse
import logging
import tempfile
import time
import warnings
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import torch
from measurement import ratios, show, store
from mlopsproj_data import DataModule, PreparedDataset, prepare
from mlopsproj_data.sources.recognition import open_source
from mlopsproj_models.schedule import make_optimizer, make_schedule
from mlopsproj_train.config import LoggerConfig, Precision, TrainConfig, TrainerConfig, WandbMode
from mlopsproj_train.devices import use_available_cpus
from mlopsproj_train.fitting import fit, moving_average
from mlopsproj_train.planning import new_module, with_precision
from mlopsproj_train.recipes import chosen, complete
from mlopsproj_train.run_folder import new_run_folder
from torch.optim.swa_utils import AveragedModel


def bare_loop(config: TrainConfig, dataset: PreparedDataset) -> float:
    """Median over the epochs of images per second."""
    network = new_module(config, dataset).network.train()
    batch_size, epochs = chosen(config.trainer.batch_size), chosen(config.trainer.max_epochs)
    data = DataModule(dataset, batch_size=batch_size, seed=config.seed, augment=config.data.augment)
    split = dataset.labelled("train")
    images, labels = torch.tensor(split.images), torch.tensor(split.labels)
    batches = len(images) // batch_size
    optimizer = make_optimizer(network, config.optimizer)
    schedule = make_schedule(optimizer, config.optimizer, steps=batches * epochs)
    average = AveragedModel(
        network, multi_avg_fn=moving_average(config.model.ema_decay), use_buffers=True
    )
    bfloat16 = config.trainer.precision is Precision.bfloat16
    rates = []
    for epoch in range(epochs):
        started = time.perf_counter()
        order = torch.randperm(len(images), generator=torch.Generator().manual_seed(epoch))
        for index in torch.split(order[: batches * batch_size], batch_size):
            batch = data.augmented(images[index], step=0)
            with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
                logits = network(network.normalise(batch))
                loss = torch.nn.functional.cross_entropy(
                    logits, labels[index], label_smoothing=config.model.loss.label_smoothing
                )
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            average.update_parameters(network)
        rates.append(batches * batch_size / (time.perf_counter() - started))
    return median(rates)


def train(config: TrainConfig, dataset: PreparedDataset, folder: Path) -> float:
    """What `train` itself reports."""
    run = new_run_folder(replace(config, run_dir=str(folder)), datetime.now(UTC))
    data = DataModule(
        dataset,
        batch_size=chosen(config.trainer.batch_size),
        seed=config.seed,
        augment=config.data.augment,
    )
    return fit(new_module(config, dataset), data, config, run, tracker=None).images_per_second


def main() -> None:
    """Measure both in turn, pair by pair."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=8)
    parser.add_argument("--epochs", type=int, default=3)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    use_available_cpus()
    config = TrainConfig(
        trainer=TrainerConfig(max_epochs=arguments.epochs),
        logger=LoggerConfig(wandb=WandbMode.disabled),
    )
    config = complete(config, open_source(config.data))
    ours, theirs = [], []
    with tempfile.TemporaryDirectory() as scratch:
        dataset = prepare(replace(config.data, prepared_dir=scratch))
        config = with_precision(config, new_module(config, dataset), dataset.labelled("train"))
        for pair in range(arguments.pairs):
            folder = Path(scratch) / f"run-{pair}"
            measured = {}
            # Whoever is measured second finds the machine warmer.
            for name in ("loop", "train") if pair % 2 else ("train", "loop"):
                measured[name] = (
                    train(config, dataset, folder)
                    if name == "train"
                    else bare_loop(config, dataset)
                )
            ours.append(measured["train"])
            theirs.append(measured["loop"])
            print(f"train {ours[-1]:,.0f} images/s, bare loop {theirs[-1]:,.0f} images/s")
    ratio = ratios(ours, theirs)
    show("images/s of train / bare PyTorch loop", ratio, "at least 0.97")
    store("training_speed", {"ratio": ratio, "train": ours, "bare_loop": theirs})


if __name__ == "__main__":
    main()
