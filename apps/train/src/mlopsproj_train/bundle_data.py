"""The data that a bundle is judged on: what it was trained with, unless a user says otherwise.

Knows nothing of how anything is judged.
"""

import logging
from dataclasses import replace

import numpy as np
from mlopsproj_core.bundle import Bundle
from mlopsproj_core.errors import ConfigError
from mlopsproj_core.image import ImageSpec
from mlopsproj_core.manifest import Manifest
from mlopsproj_data import DataConfig, PreparedDataset
from mlopsproj_evaluation.gates import training_ids
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from mlopsproj_train.hydra_command import composable

logger = logging.getLogger(__name__)


def data_of(manifest: Manifest) -> DataConfig:
    """The data settings that a bundle was trained with.

    Raises:
        ConfigError: if it does not tell them.
    """
    try:
        merged = OmegaConf.merge(composable(DataConfig), manifest.config["data"])
        config = OmegaConf.to_object(merged)
    except (KeyError, TypeError, ValueError, OmegaConfBaseException) as error:
        raise ConfigError(
            f"{manifest.name} does not tell which data it was trained on: name some by data=… or"
            " data.path=…."
        ) from error
    assert isinstance(config, DataConfig)  # noqa: S101 (the schema it was merged with)
    return config


def with_image_of(manifest: Manifest, config: DataConfig, own: ImageSpec) -> DataConfig:
    """`config` with the image size and channels of a bundle where it leaves them open.

    Args:
        manifest: of the bundle.
        config: of the data.
        own: image spec that the source suggests.
    """
    image = manifest.image
    if image == own or image.height != image.width:
        return config
    return replace(
        config,
        image_size=config.image_size or image.height,
        channels=config.channels or image.channels,
    )


def count_trained(bundle: Bundle, dataset: PreparedDataset, split: str) -> int:
    """Images of a split that the bundle was trained or chosen on."""
    ids = dataset.table(split)["id"].to_pylist()
    prefixes = np.array([int(name[:16], 16) for name in ids], dtype=np.uint64)
    return int(np.isin(prefixes, training_ids(bundle)).sum())


def check_fit(name: str, manifest: Manifest, dataset: PreparedDataset) -> None:
    """Refuse data that a bundle was not made for.

    Args:
        name: of the bundle, for the error.
        manifest: of the bundle.
        dataset: that it shall be judged on.

    Raises:
        ConfigError: if image size, channels or classes are others.
    """
    mend = "choose the data set that the model was made for, by data=… or data.path=…"
    if manifest.image != dataset.spec:
        raise ConfigError(
            f"{name} takes images of {_shape(manifest.image)}, those of {dataset.name} are of"
            f" {_shape(dataset.spec)}: {mend}."
        )
    ours, theirs = manifest.classes, dataset.classes
    if ours != theirs:
        first = next((pair for pair in zip(ours, theirs, strict=False) if pair[0] != pair[1]), None)
        difference = f", the first that differ being {first[0]!r} and {first[1]!r}" if first else ""
        raise ConfigError(
            f"{name} tells {len(ours)} classes apart, {dataset.name} has {len(theirs)}{difference}:"
            f" {mend}."
        )


def _shape(spec: ImageSpec) -> str:
    return f"{spec.height} x {spec.width} pixels and {spec.channels} channel(s)"
