"""What a training is made of, all before its folder: what is refused leaves nothing behind.

Settings that were left open are chosen, the data is prepared, the network is built. Knows nothing
of run folders, bundles and registries.
"""

import logging
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
import pytorch_lightning as pl
import torch
from mlopsproj_core.labelled import LabelledImages
from mlopsproj_data import DataModule, PreparedDataset
from mlopsproj_data.config import pinned
from mlopsproj_data.labelling.log_location import log_for
from mlopsproj_data.sources.recognition import open_source
from mlopsproj_models.classifier import ImageClassifier
from mlopsproj_models.factory import build_network

from mlopsproj_train.config import TrainConfig
from mlopsproj_train.devices import choose_accelerator
from mlopsproj_train.fitting import check_settings
from mlopsproj_train.precision import choose_precision
from mlopsproj_train.progress import prepare_with_progress
from mlopsproj_train.recipes import chosen, complete

logger = logging.getLogger(__name__)

_MEASURED_PIXELS = 2**17
"""Of the images whose training step is timed in each arithmetic."""

_SUMMED_PIXELS = 2**22
"""Of the images of a piece, which is held in float64."""


@dataclass(frozen=True)
class Plan:
    """What a training is made of.

    Attributes:
        config: with nothing left open.
        dataset: that is trained on.
        train: its training images.
        module: an untrained network.
        data: the batches.
    """

    config: TrainConfig
    dataset: PreparedDataset
    train: LabelledImages
    module: ImageClassifier
    data: DataModule


def make_plan(config: TrainConfig) -> Plan:
    """Prepare the data and build the network of a run.

    Raises:
        ConfigError: if a setting is out of range, or network and images do not go together.
        DataError: if the data cannot be used.
    """
    check_settings(config)
    config = replace(config, data=pinned(config.data, datetime.now(UTC)))
    source = open_source(config.data, log_for(config.data))
    logger.info("recognised %s", source.description)
    config = complete(config, source)
    dataset = prepare_with_progress(config.data, source)
    train = dataset.labelled("train")
    module = new_module(config, dataset)
    data = DataModule(
        dataset,
        batch_size=chosen(config.trainer.batch_size),
        seed=config.seed,
        augment=config.data.augment,
        balanced=config.data.balanced_sampling,
        embedder=module.network if config.model.finetune.cache_features else None,
        frozen_epochs=chosen(config.model.finetune.frozen_epochs),
    )
    return Plan(with_precision(config, module, train), dataset, train, module, data)


def new_module(config: TrainConfig, dataset: PreparedDataset) -> ImageClassifier:
    """An untrained network, which follows from the seed and the data set.

    Args:
        config: with nothing left open.
        dataset: that is trained on.

    Raises:
        ConfigError: if network and images do not go together, or a setting is out of range.
    """
    pl.seed_everything(config.seed, verbose=False)
    network = build_network(
        config.model, channels=dataset.spec.channels, classes=len(dataset.classes)
    )
    network.check_side(min(dataset.spec.height, dataset.spec.width))
    train = dataset.labelled("train")
    network.set_normalisation(*_channel_statistics(train))
    return ImageClassifier(
        network,
        model=config.model,
        optimizer=config.optimizer,
        class_counts=np.bincount(train.labels, minlength=len(train.classes)).tolist(),
    )


def with_precision(
    config: TrainConfig, module: ImageClassifier, train: LabelledImages
) -> TrainConfig:
    """`config` with the arithmetic that was chosen for this machine in place of `auto`."""
    # Of photos a few tell as much as a batch does, and take seconds where it would take a minute.
    few = max(1, _MEASURED_PIXELS // (train.images.shape[1] * train.images.shape[2]))
    images = torch.tensor(train.images[: min(few, chosen(config.trainer.batch_size))])
    accelerator = choose_accelerator(config.trainer.accelerator)
    precision = choose_precision(config.trainer.precision, accelerator, module.network, images)
    return replace(config, trainer=replace(config.trainer, precision=precision))


def _channel_statistics(train: LabelledImages) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and standard deviation of each channel, `(C,)`, a piece at a time."""
    total = squares = torch.zeros(train.images.shape[3], dtype=torch.float64)
    piece = max(1, _SUMMED_PIXELS // (train.images.shape[1] * train.images.shape[2]))
    for start in range(0, len(train), piece):
        pixels = torch.tensor(train.images[start : start + piece]).double().flatten(0, 2)
        total = total + pixels.sum(dim=0)
        squares = squares + pixels.square().sum(dim=0)
    count = train.images[..., 0].size
    mean = total / count
    return mean.float(), (squares / count - mean.square()).clamp_min(0).sqrt().float()
