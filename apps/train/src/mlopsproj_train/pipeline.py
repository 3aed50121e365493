"""The way of one run: data → fit → calibrate → export → judge → bundle → registry → summary.

Each step is a call into a library or a neighbour; here stand only their order and what is kept.
"""

import json
import logging
import os
from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from mlopsproj_core.bundle import Bundle
from mlopsproj_core.errors import MlopsprojError, RegistryError
from mlopsproj_core.labelled import LabelledImages
from mlopsproj_core.registry import Registry
from mlopsproj_core.settings import Settings
from mlopsproj_data import DataModule, PreparedDataset
from mlopsproj_models.classifier import ImageClassifier
from mlopsproj_models.graph import calibrate
from mlopsproj_models.networks import ResidualNetwork
from pytorch_lightning.loggers import WandbLogger
from rich.console import Console

from mlopsproj_train.bundling import make_bundle
from mlopsproj_train.checkpoints import load_checkpoint
from mlopsproj_train.config import TrainConfig
from mlopsproj_train.devices import choose_accelerator, use_available_cpus
from mlopsproj_train.epoch_log import draw_curves, read_rows
from mlopsproj_train.fitting import Fit, check_settings, fit
from mlopsproj_train.logs import log_file, set_up_logging
from mlopsproj_train.precision import choose_precision
from mlopsproj_train.profiling import PhaseTimes
from mlopsproj_train.progress import prepare_with_progress
from mlopsproj_train.publishing import next_command, publish
from mlopsproj_train.run_folder import RunFolder, locked, new_run_folder, resumed
from mlopsproj_train.summary import Summary
from mlopsproj_train.tracking import check_tracking, send_results, tracking

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Plan:
    """What a run is made of, all before its folder: what is refused leaves nothing behind."""

    config: TrainConfig
    registry: Registry
    dataset: PreparedDataset
    train: LabelledImages
    module: ImageClassifier
    data: DataModule


def run_pipeline(config: TrainConfig, *, replaced: Collection[str] = ()) -> Summary:
    """Train and publish.

    Args:
        config: of a new run, or one whose `resume` names the folder of an earlier run, which
            brings its own configuration.
        replaced: settings of an earlier run, e.g. `logger.wandb`, that `config` brings anew.

    Raises:
        MlopsprojError: with what is wrong and how to mend it; nothing is published then.
        KeyboardInterrupt: if the user ended it, saying how to go on.
    """
    set_up_logging()
    use_available_cpus()
    if config.resume is None:
        plan = _plan(config)
        folder = new_run_folder(plan.config, datetime.now().astimezone())
        with locked(folder):
            return _run(plan, folder)
    with resumed(Path(config.resume)) as (folder, stored):
        merged = stored
        for path in replaced:
            merged = _replaced(merged, config, path.split("."))
        return _run(_plan(merged), folder)


def _replaced(stored: Any, config: Any, path: list[str]) -> Any:
    """`stored` with the value that `config` has at `path`."""
    name, *rest = path
    value = getattr(config, name)
    return replace(
        stored, **{name: _replaced(getattr(stored, name), value, rest) if rest else value}
    )


def _plan(config: TrainConfig) -> _Plan:
    check_settings(config)
    check_tracking(config.logger)
    registry = Registry(config.registry or Settings().registry_url)
    _check_writable(registry.url)
    registry.names()  # one that cannot be reached is told before the training, not after
    dataset = prepare_with_progress(config.data)
    train = dataset.labelled("train")
    module = new_module(config, dataset)
    data = DataModule(
        dataset, batch_size=config.trainer.batch_size, seed=config.seed, augment=config.data.augment
    )
    return _Plan(with_precision(config, module, train), registry, dataset, train, module, data)


def _check_writable(url: str) -> None:
    """Refuse a local registry that cannot be written, before hours of training."""
    if "://" in url:
        return
    folder = Path(url).absolute()
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    if existing.is_dir() and not os.access(existing, os.W_OK | os.X_OK):
        raise RegistryError(
            f"registry={url} cannot be written ({existing} is read-only): give another folder, or"
            " make it writable."
        )


def _run(plan: _Plan, folder: RunFolder) -> Summary:
    run_id = folder.identify(data=plan.dataset.name, fingerprint=plan.dataset.fingerprint)
    folder.write_config(plan.config)  # with its precision: a run that goes on computes alike
    try:
        with (
            log_file(folder.log),
            tracking(plan.config.logger, folder.path, run_id, _plain(plan.config)) as tracker,
        ):
            summary, bundle = _train_and_publish(plan, folder, tracker)
            if tracker is not None:
                figures = sorted(folder.figures.glob("*.png"))
                send_results(tracker, figures, bundle.path, plan.dataset.name)
    except KeyboardInterrupt as interrupt:
        if folder.summary.exists():
            raise
        text = f"{str(interrupt) or 'Interrupted.'} Go on with: {folder.resume_command}"
        raise KeyboardInterrupt(text) from interrupt
    except MlopsprojError as error:
        if folder.summary.exists():
            raise
        raise type(error)(
            f"{error} Once that is mended, go on with: {folder.resume_command} (registry=… and"
            " logger=… may be given anew)."
        ) from error
    return summary


def _train_and_publish(
    plan: _Plan, folder: RunFolder, tracker: WandbLogger | None
) -> tuple[Summary, Bundle]:
    config, dataset = plan.config, plan.dataset
    logger.info("run folder: %s", folder.path)
    images = ", ".join(f"{count:,} {split}" for split, count in dataset.counts.items())
    logger.info("data: %s, %s images", dataset.name, images)
    phases = PhaseTimes() if config.profile else None
    fitted = fit(plan.module, plan.data, config, folder, tracker=tracker, phases=phases)
    if phases is not None:
        phases.print_table(Console(stderr=True))
    draw_curves(read_rows(folder.metrics), folder.figures / "learning_curves.png")

    network = _best_network(plan.module, fitted)
    graph = calibrate(network, plan.train, dataset.labelled("validation"))
    logger.info("calibrated: temperature %.3f", float(graph.temperature))
    bundle = make_bundle(graph, dataset, folder, _plain(config))
    event_url = Settings().event_url
    publication = publish(bundle, plan.registry, run=str(folder.path), event_url=event_url)
    logger.info("published %s as %s", publication.version, publication.alias)

    accuracy = bundle.manifest.metrics["accuracy"]
    summary = Summary(
        model=publication.version.name,
        version=publication.version.number,
        alias=publication.alias,
        data=dataset.name,
        data_fingerprint=dataset.fingerprint,
        train_images=dataset.counts["train"],
        test_images=dataset.counts["test"],
        accuracy=accuracy.value,
        accuracy_interval=(accuracy.low, accuracy.high),
        epochs=fitted.epochs,
        train_seconds=fitted.train_seconds,
        images_per_second=fitted.images_per_second,
        run_dir=str(folder.path),
        registry=plan.registry.url,
        next_command=next_command(publication, plan.registry, given=config.registry),
    )
    summary.write(folder.summary)
    return summary, bundle


def _plain(config: TrainConfig) -> dict[str, Any]:
    """Its values as they are read back from JSON, without tuples and enumerations."""
    values: dict[str, Any] = json.loads(json.dumps(asdict(config)))
    return values


def new_module(config: TrainConfig, dataset: PreparedDataset) -> ImageClassifier:
    """An untrained network, which follows from the seed and the data set.

    Raises:
        ConfigError: if network and images do not go together, or a setting is out of range.
    """
    pl.seed_everything(config.seed, verbose=False)
    network = ResidualNetwork(
        config.model.network, channels=dataset.spec.channels, classes=len(dataset.classes)
    )
    network.check_side(min(dataset.spec.height, dataset.spec.width))
    network.set_normalisation(*_channel_statistics(dataset.labelled("train")))
    return ImageClassifier(network, model=config.model, optimizer=config.optimizer)


def with_precision(
    config: TrainConfig, module: ImageClassifier, train: LabelledImages
) -> TrainConfig:
    """`config` with the arithmetic that was chosen for this machine in place of `auto`."""
    images = torch.tensor(train.images[: config.trainer.batch_size])
    accelerator = choose_accelerator(config.trainer.accelerator)
    precision = choose_precision(config.trainer.precision, accelerator, module.network, images)
    return replace(config, trainer=replace(config.trainer, precision=precision))


def _channel_statistics(train: LabelledImages) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and standard deviation of each channel, `(C,)`, a piece at a time."""
    total = squares = torch.zeros(train.images.shape[3], dtype=torch.float64)
    piece = 4096
    for start in range(0, len(train), piece):
        pixels = torch.tensor(train.images[start : start + piece]).double().flatten(0, 2)
        total = total + pixels.sum(dim=0)
        squares = squares + pixels.square().sum(dim=0)
    count = train.images[..., 0].size
    mean = total / count
    return mean.float(), (squares / count - mean.square()).clamp_min(0).sqrt().float()


def _best_network(module: ImageClassifier, fitted: Fit) -> ResidualNetwork:
    """The network of the best epoch, on the CPU, in float32."""
    module.load_state_dict(load_checkpoint(fitted.best)["state_dict"])
    return module.network.cpu().float().eval()
