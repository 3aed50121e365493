"""What a user says about data: where it lies, how it is prepared, and how it is varied.

Imports no torch and reads no file.
"""

from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated


class Source(StrEnum):
    """Where images and labels come from."""

    auto = "auto"
    sample = "sample"
    folders = "folders"
    table = "table"
    idx = "idx"
    fashion_mnist = "fashion_mnist"
    solar_cells = "solar_cells"
    solar_cells_mono = "solar_cells_mono"
    solar_cells_poly = "solar_cells_poly"
    feedback = "feedback"


class Addition(StrEnum):
    """What is joined to the images of a source."""

    feedback = "feedback"


@dataclass(frozen=True)
class AugmentConfig:
    """How training images are varied, each batch anew; `None` stands for what suits the network.

    Attributes:
        flip: mirror every second image, left to right.
        shift: move by up to so many pixels in each direction; 0 moves none.
        crop: smallest share of the area that is cut out and enlarged, from 0.05; 1 cuts out none.
        rotate: turn by up to so many degrees in either direction; 0 turns none.
        colour: largest change of brightness, contrast and saturation, as a share of each; 0 changes
            none.
        operations: how many random operations an image undergoes; 0 for none.
        magnitude: strength of these operations, 0 to 1.
        cutout: grey out a square of this side, in pixels; 0 greys out none.
    """

    flip: bool | None = None
    shift: Annotated[int, "pixels"] | None = None
    crop: Annotated[float, "share"] | None = None
    rotate: Annotated[float, "degrees"] | None = None
    colour: Annotated[float, "share"] | None = None
    operations: int | None = None
    magnitude: Annotated[float, "share"] | None = None
    cutout: Annotated[int, "pixels"] | None = None


@dataclass(frozen=True)
class Augmentation:
    """An `AugmentConfig` without gaps; the defaults suit small images."""

    flip: bool = True
    shift: int = 1
    crop: float = 1.0
    rotate: float = 0.0
    colour: float = 0.0
    operations: int = 0
    magnitude: float = 0.3
    cutout: int = 0


def resolved(config: AugmentConfig, defaults: Augmentation | None = None) -> Augmentation:
    """Fill what the user left open.

    Args:
        config: what the user set.
        defaults: what suits the network; for small images unless given.
    """
    given = {name: value for name, value in asdict(config).items() if value is not None}
    return replace(defaults or Augmentation(), **given)


@dataclass(frozen=True)
class DataConfig:
    """One data set.

    Attributes:
        source: `auto` recognises what `path` holds, and is meant wherever there is one; `sample` is
            embedded.
        path: a folder, an archive, a table or its URL, for every source but the sample.
        labels: table of paths and labels, where it is not found in the folder itself.
        path_column: of the table; recognised by its name unless given.
        label_column: of the table; recognised by its name unless given.
        split_column: of the table; recognised by its name unless given.
        group: column of the table, or pattern over file names, of what must not be divided
            between splits.
        add: `feedback` joins predictions that people confirmed to the images of the source.
        feedback_model: whose predictions these are; the one that is named like the data set, or
            the only one that has any, unless given.
        feedback_until: only labels that were told before this time (ISO 8601) count; the time at
            which a run began unless given.
        new_classes: make classes of the labels that the source has no class for.
        name: of the data set, and so of the model; the source's own unless given.
        image_size: side, in pixels, of the square that images are resized to; the source's own
            unless given.
        channels: 1 (grey) or 3 (colour); the source's own unless given.
        validation_fraction: of the training images, chosen by a hash of each.
        balanced_sampling: train on every class equally often, however many images it has.
        drop_invalid: leave out what validation finds wrong, instead of refusing it.
        prepared_dir: where prepared data sets are kept.
        augment: how training images are varied.
    """

    source: Source = Source.sample
    path: str | None = None
    labels: str | None = None
    path_column: str | None = None
    label_column: str | None = None
    split_column: str | None = None
    group: str | None = None
    add: list[Addition] = field(default_factory=list)
    feedback_model: str | None = None
    feedback_until: str | None = None
    new_classes: bool = False
    name: str | None = None
    image_size: Annotated[int, "pixels"] | None = None
    channels: int | None = None
    validation_fraction: float = 0.1
    balanced_sampling: bool = False
    drop_invalid: bool = False
    prepared_dir: str = "prepared"
    augment: AugmentConfig = field(default_factory=AugmentConfig)


def uses_feedback(config: DataConfig) -> bool:
    """Whether a configuration asks for predictions that people confirmed."""
    return config.source is Source.feedback or bool(config.add)


def pinned(config: DataConfig, now: datetime) -> DataConfig:
    """`config` with the time until which labels count, so that it names the same images later on.

    Args:
        config: left as it is unless it asks for confirmed predictions and names no time.
        now: aware.
    """
    if not uses_feedback(config) or config.feedback_until is not None:
        return config
    return replace(config, feedback_until=now.astimezone(UTC).isoformat())
