"""The way of one run: data → fit → calibrate → export → judge → bundle → registry → summary.

Each step is a call into a library or a neighbour; here stand only their order and what is kept.
"""

import logging
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path

import pytorch_lightning as pl
import torch
from mlopsproj_core.labelled import LabelledImages
from mlopsproj_core.registry import Registry
from mlopsproj_core.settings import Settings
from mlopsproj_data import DataModule, PreparedDataset
from mlopsproj_models.classifier import ImageClassifier
from mlopsproj_models.graph import calibrate
from mlopsproj_models.networks import ResidualNetwork
from rich.console import Console

from mlopsproj_train.bundling import make_bundle
from mlopsproj_train.checkpoints import load_checkpoint
from mlopsproj_train.config import Output, TrainConfig
from mlopsproj_train.devices import choose_accelerator, use_available_cpus
from mlopsproj_train.epoch_log import draw_curves, read_rows
from mlopsproj_train.fitting import Fit, fit
from mlopsproj_train.logs import log_file, set_up_logging
from mlopsproj_train.precision import choose_precision
from mlopsproj_train.profiling import PhaseTimes
from mlopsproj_train.progress import prepare_with_progress
from mlopsproj_train.publishing import publish
from mlopsproj_train.run_folder import RunFolder, locked, new_run_folder, open_run_folder
from mlopsproj_train.summary import Summary
from mlopsproj_train.tracking import finish_tracking, start_tracking

logger = logging.getLogger(__name__)


def run_pipeline(config: TrainConfig) -> Summary:
    """Train, publish, and print what came out.

    Args:
        config: of a new run, or one whose `resume` names the folder of an earlier run, which
            brings its own configuration.

    Raises:
        MlopsprojError: with what is wrong and how to mend it; nothing is published then.
    """
    set_up_logging()
    use_available_cpus()
    output = config.output
    folder = None
    if config.resume is not None:
        folder, config = open_run_folder(Path(config.resume))
    dataset = prepare_with_progress(config.data)
    if folder is None:
        folder = new_run_folder(config, datetime.now().astimezone())
    with locked(folder), log_file(folder.log):
        summary = _run(config, folder, dataset)
    if output is Output.json:
        print(summary.to_json(), end="")  # noqa: T201 (the command's answer)
    else:
        summary.print_table(Console())
    return summary


def _run(config: TrainConfig, folder: RunFolder, dataset: PreparedDataset) -> Summary:
    logger.info("run folder: %s", folder.path)
    logger.info("data: %s, %s", dataset.name, dict(dataset.counts))
    registry = Registry(config.registry or Settings().registry_url)
    tracker = start_tracking(config.logger, folder, asdict(config))
    train = dataset.labelled("train")
    module = new_module(config, dataset)
    config = with_precision(config, module, train)
    folder.write_config(config)  # a run that goes on computes alike
    data = DataModule(
        dataset, batch_size=config.trainer.batch_size, seed=config.seed, augment=config.data.augment
    )
    phases = PhaseTimes() if config.profile else None
    fitted = fit(module, data, config, folder, tracker=tracker, phases=phases)
    if phases is not None:
        phases.print_table(Console(stderr=True))
    draw_curves(read_rows(folder.metrics), folder.figures / "learning_curves.png")

    network = _best_network(module, fitted)
    graph = calibrate(network, train, dataset.labelled("validation"))
    logger.info("calibrated: temperature %.3f", float(graph.temperature))
    bundle = make_bundle(graph, dataset, folder, asdict(config))
    publication = publish(bundle, registry, run=str(folder.path))
    logger.info("published %s as %s", publication.version, publication.alias)
    if tracker is not None:
        finish_tracking(tracker, folder.figures.glob("*.png"), bundle.path, dataset.name)

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
        registry=registry.url,
    )
    summary.write(folder.summary)
    return summary


def new_module(config: TrainConfig, dataset: PreparedDataset) -> ImageClassifier:
    """An untrained network, which follows from the seed and the data set."""
    pl.seed_everything(config.seed, verbose=False)
    network = ResidualNetwork(
        config.model.network, channels=dataset.spec.channels, classes=len(dataset.classes)
    )
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
