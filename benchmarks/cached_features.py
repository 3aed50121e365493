"""Seconds of an epoch with a frozen backbone: embeddings from a file over embeddings made anew.

`train` of EfficientNet-Lite0 on a folder of photographs, all epochs frozen. Made anew, they are of
images that are varied, which is part of their time; those of the file are of images as they are.
The first epoch makes the file; the ratio is that of the epochs after it, of which a recipe has
about twenty. Goal: none, it is reported.
Run: uv run python benchmarks/cached_features.py FOLDER
"""

import argparse
import logging
import tempfile
import warnings
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from measurement import ratios, show, store
from mlopsproj_data import DataConfig
from mlopsproj_models.config import FineTuneConfig, ModelConfig
from mlopsproj_train.config import LoggerConfig, Precision, TrainConfig, TrainerConfig, WandbMode
from mlopsproj_train.devices import use_available_cpus
from mlopsproj_train.epoch_log import read_rows
from mlopsproj_train.fitting import fit
from mlopsproj_train.planning import make_plan
from mlopsproj_train.run_folder import new_run_folder


def frozen_epochs(config: TrainConfig, folder: Path, *, cached: bool) -> list[float]:
    """Seconds of each epoch, training and validation."""
    finetune = replace(config.model.finetune, cache_features=cached)
    plan = make_plan(replace(config, model=replace(config.model, finetune=finetune)))
    for path in plan.dataset.folder.glob("features-*.f32"):
        path.unlink()
    epochs = plan.config.model.finetune.frozen_epochs
    trainer = replace(plan.config.trainer, max_epochs=epochs)
    config = replace(plan.config, trainer=trainer, run_dir=str(folder))
    run = new_run_folder(config, datetime.now(UTC))
    fit(plan.module, plan.data, config, run, tracker=None)
    return [row["total_seconds"] for row in read_rows(run.metrics)]


def main() -> None:
    """Measure both in turn, pair by pair."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", help="of photographs, as `train data.path=FOLDER` takes it")
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=3)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    use_available_cpus()
    figures: dict[str, list[float]] = {"cached": [], "anew": [], "first_cached": []}
    with tempfile.TemporaryDirectory() as scratch:
        config = TrainConfig(
            data=DataConfig(path=arguments.folder, prepared_dir=scratch),
            model=ModelConfig(
                architecture="efficientnet_lite0",
                finetune=FineTuneConfig(frozen_epochs=arguments.epochs),
            ),
            # Half of them are frozen; the other half is not trained.
            trainer=TrainerConfig(max_epochs=2 * arguments.epochs, precision=Precision.float32),
            logger=LoggerConfig(wandb=WandbMode.disabled),
        )
        for pair in range(arguments.pairs):
            # Whoever is measured second finds the machine warmer.
            for cached in (True, False) if pair % 2 else (False, True):
                seconds = frozen_epochs(
                    config, Path(scratch) / f"run-{pair}-{cached}", cached=cached
                )
                figures["cached" if cached else "anew"].append(median(seconds[1:]))
                if cached:
                    figures["first_cached"].append(seconds[0])
            print(
                f"cached {figures['cached'][-1]:.2f} s (first epoch"
                f" {figures['first_cached'][-1]:.1f} s), anew {figures['anew'][-1]:.1f} s"
            )
    ratio = ratios(figures["cached"], figures["anew"])
    show("seconds of a frozen epoch, cached / anew", ratio, "reported")
    store("cached_features", {"ratio": ratio, "seconds": figures})


if __name__ == "__main__":
    main()
