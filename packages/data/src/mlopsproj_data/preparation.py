"""Any source to a prepared data set: decoded and resized once, whole or not there at all.

What was prepared before is found again by the source's signature. Written beside its place and
renamed at the end, so that a process which is killed or finds the disk full leaves nothing that
looks like a data set, and two that prepare the same do each other no harm.
"""

import hashlib
import json
import logging
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Final

from mlopsproj_core.errors import ConfigError, DataError
from mlopsproj_core.image import MAX_SIDE, MIN_SIDE, ImageSpec
from mlopsproj_core.manifest import Name
from pydantic import TypeAdapter, ValidationError

from mlopsproj_data.config import DataConfig
from mlopsproj_data.drafts import draft_of
from mlopsproj_data.prepared import DESCRIPTION, SCHEMA_VERSION, PreparedDataset
from mlopsproj_data.records import LabelledSource
from mlopsproj_data.sources import open_source, prepared_folder
from mlopsproj_data.splits import check_fraction
from mlopsproj_data.writing import DatasetWriter

logger = logging.getLogger(__name__)

_NAME: Final = TypeAdapter[str](Name)


def prepare(
    config: DataConfig, *, progress: Callable[[int, int], None] | None = None
) -> PreparedDataset:
    """Prepare the data set that a configuration names, or find it prepared.

    Args:
        config: the source, and how its images are made alike.
        progress: told how many images are done, and of how many.

    Raises:
        ConfigError: if the configuration contradicts itself.
        DataError: if the source cannot be used, or the disk is full.
    """
    _check(config)
    source = open_source(config)
    source = replace(source, name=config.name or source.name, spec=_spec(config, source.spec))
    return prepare_source(
        source,
        prepared_folder(config),
        validation_fraction=config.validation_fraction,
        progress=progress,
    )


def prepare_source(
    source: LabelledSource,
    prepared_dir: Path,
    *,
    validation_fraction: float,
    progress: Callable[[int, int], None] | None = None,
) -> PreparedDataset:
    """Prepare any source, or find it prepared.

    Args:
        source: with the name and the image spec that are wanted.
        prepared_dir: where prepared data sets are kept.
        validation_fraction: of the images that are not for testing.
        progress: told how many images are done, and of how many.

    Raises:
        DataError: if there is one class only, an image cannot be used, a split stays empty, or
            the disk is full.
    """
    if len(source.classes) < 2:  # noqa: PLR2004 (said in the message)
        raise DataError(
            f"The data set {source.name} has one class only ({', '.join(source.classes)}): add"
            " images of a second one, since a model tells two or more apart."
        )
    key = _key(source, validation_fraction)
    folder = prepared_dir / f"{source.name}-{key[:12]}"
    if not folder.exists():
        writer = DatasetWriter(source, validation_fraction)
        _write_whole(folder, lambda draft: writer.write(draft, progress))
        logger.info("prepared %s", folder)
    return PreparedDataset.open(folder)


def _check(config: DataConfig) -> None:
    """Refuse at once what would fail later, a name after the training at the latest."""
    check_fraction(config.validation_fraction)
    if config.name is not None:
        try:
            _NAME.validate_python(config.name)
        except ValidationError:
            raise ConfigError(
                f"data.name={config.name!r} is no name of a model: give at most 100 lower-case"
                " letters, digits, _ . and -, beginning with a letter or digit."
            ) from None
    if config.image_size is not None and not MIN_SIDE <= config.image_size <= MAX_SIDE:
        raise ConfigError(
            f"data.image_size={config.image_size}: give {MIN_SIDE} to {MAX_SIDE} pixels."
        )
    if config.channels not in {None, 1, 3}:
        raise ConfigError(f"data.channels={config.channels}: give 1 (grey) or 3 (colour).")


def _spec(config: DataConfig, own: ImageSpec) -> ImageSpec:
    return ImageSpec(
        height=config.image_size or own.height,
        width=config.image_size or own.width,
        channels=config.channels or own.channels,  # type: ignore[arg-type]  # checked before
    )


def _key(source: LabelledSource, validation_fraction: float) -> str:
    """Of everything that the prepared data set follows from."""
    values = [SCHEMA_VERSION, source.signature, source.name, source.classes, asdict(source.spec)]
    return hashlib.sha256(json.dumps([*values, validation_fraction]).encode()).hexdigest()


def _write_whole(folder: Path, write: Callable[[Path], None]) -> None:
    """Let `write` fill a folder beside its place, and move it there."""
    with draft_of(folder) as draft:
        draft.mkdir()
        write(draft)
        try:
            draft.rename(folder)
        except OSError:
            # Another process prepared the same meanwhile: either is as good.
            if not (folder / DESCRIPTION).exists():
                raise
