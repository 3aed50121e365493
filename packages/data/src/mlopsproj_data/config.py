"""What a user says about data: where it lies, how it is prepared, and how it is varied.

Imports no torch and reads no file.
"""

from dataclasses import dataclass, field
from enum import StrEnum


class Source(StrEnum):
    """Where images and labels come from."""

    auto = "auto"
    sample = "sample"
    idx = "idx"
    fashion_mnist = "fashion_mnist"


@dataclass(frozen=True)
class AugmentConfig:
    """How training images are varied, each batch anew.

    Attributes:
        flip: mirror every second image, left to right.
        shift: move by up to so many pixels in each direction; 0 moves none.
        cutout: grey out a square of this side, in pixels; 0 greys out none.
    """

    flip: bool = True
    shift: int = 1
    cutout: int = 0


@dataclass(frozen=True)
class DataConfig:
    """One data set.

    Attributes:
        source: auto recognises what `path` holds, or takes the embedded sample without one.
        path: of the folder, for every source but the sample.
        name: of the data set, and so of the model; the source's own unless given.
        image_size: side of the square that images are resized to; the source's own unless given.
        channels: 1 (grey) or 3 (colour); the source's own unless given.
        validation_fraction: of the training images, chosen by a hash of each.
        prepared_dir: where prepared data sets are kept.
        augment: how training images are varied.
    """

    source: Source = Source.sample
    path: str | None = None
    name: str | None = None
    image_size: int | None = None
    channels: int | None = None
    validation_fraction: float = 0.1
    prepared_dir: str = "prepared"
    augment: AugmentConfig = field(default_factory=AugmentConfig)
