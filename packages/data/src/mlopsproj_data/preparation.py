"""Any source to a prepared data set: decoded and resized once, whole or not there at all.

What was prepared before is found again by the source's signature. Written beside its place and
renamed at the end, so that a process which is killed or finds the disk full leaves nothing that
looks like a data set, and two that prepare the same do each other no harm.
"""

import hashlib
import json
import logging
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import asdict, fields
from pathlib import Path
from typing import IO, Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
from mlopsproj_core.errors import ConfigError, DataError, ImageError
from mlopsproj_core.image import MAX_SIDE, MIN_SIDE, ImageSpec, ImageStatistics, prepare_image
from mlopsproj_core.manifest import Name
from pydantic import TypeAdapter, ValidationError

from mlopsproj_data.config import DataConfig
from mlopsproj_data.drafts import draft_of
from mlopsproj_data.prepared import COLUMNS, DESCRIPTION, SCHEMA_VERSION, TABLE, PreparedDataset
from mlopsproj_data.records import LabelledSource, Record
from mlopsproj_data.sources import open_source, prepared_dir
from mlopsproj_data.splits import SPLITS, TEST, TRAIN, VALIDATION, check_fraction, choose_split

logger = logging.getLogger(__name__)

_NAME: Final = TypeAdapter[str](Name)
_STATISTICS: Final = tuple(field.name for field in fields(ImageStatistics))
_ROWS_AT_ONCE = 4096
_REPORT_EVERY = 256


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
    name = config.name or source.name
    spec = _spec(config, source.spec)
    key = _key(source, name, spec, config.validation_fraction)
    folder = prepared_dir(config) / f"{name}-{key[:12]}"
    if not folder.exists():
        writer = _Writer(source, spec, config.validation_fraction)
        _write_whole(folder, lambda draft: writer.write(draft, name, progress))
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


def _key(source: LabelledSource, name: str, spec: ImageSpec, validation_fraction: float) -> str:
    """Of everything that the prepared data set follows from."""
    values = [SCHEMA_VERSION, source.signature, name, source.classes, asdict(spec)]
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


class _Writer:
    """Writes the records of a source, one at a time, in constant memory but for their ids."""

    def __init__(self, source: LabelledSource, spec: ImageSpec, validation_fraction: float) -> None:
        self._source, self._spec = source, spec
        self._validation_fraction = validation_fraction
        self._counts: Final = dict.fromkeys(SPLITS, 0)
        self._dropped: Final = {"duplicate": 0, "duplicate of a test image": 0}
        self._fingerprint = hashlib.sha256(json.dumps([source.classes, asdict(spec)]).encode())
        self._rows: list[dict[str, Any]] = []

    def write(self, folder: Path, name: str, progress: Callable[[int, int], None] | None) -> None:
        """Write pixels, table and description into an empty folder."""
        kept = self._choose()
        with ExitStack() as stack:
            files = {
                split: stack.enter_context((folder / f"{split}.u8").open("wb")) for split in SPLITS
            }
            table = stack.enter_context(pq.ParquetWriter(folder / TABLE, COLUMNS))
            for index, record in enumerate(self._source.records()):
                if index in kept:
                    self._write_image(record, *kept[index], files)
                if len(self._rows) >= _ROWS_AT_ONCE:
                    self._flush(table)
                if progress and index % _REPORT_EVERY == 0:
                    progress(index, self._source.count)
            self._flush(table)
        if progress:
            progress(self._source.count, self._source.count)
        if not (self._counts[TRAIN] and self._counts[VALIDATION] and self._counts[TEST]):
            raise DataError(
                f"Too few images for three splits: {self._counts}, dropped: {self._dropped}."
                " Add images, or change data.validation_fraction."
            )
        description = {
            "schema": SCHEMA_VERSION,
            "name": name,
            "classes": list(self._source.classes),
            "image": asdict(self._spec),
            "counts": self._counts,
            "dropped": self._dropped,
            "fingerprint": self._fingerprint.hexdigest(),
        }
        text = json.dumps(description, indent=2, ensure_ascii=False)
        (folder / DESCRIPTION).write_text(text + "\n", encoding="utf-8")

    def _choose(self) -> dict[int, tuple[str, str]]:
        """Id and split of each record that is kept.

        The same image is kept once: in the test set if it stands there, else where it stands
        first. A test image is never trained on.
        """
        ids, splits = [], []
        for record in self._source.records():
            ids.append(content_id(record))
            key = record.group or ids[-1]
            splits.append(choose_split(key, record.split, self._validation_fraction))
        tests = {name for name, split in zip(ids, splits, strict=True) if split == TEST}
        seen: set[str] = set()
        kept = {}
        for index, (name, split) in enumerate(zip(ids, splits, strict=True)):
            if split != TEST and name in tests:
                self._dropped["duplicate of a test image"] += 1
            elif name in seen:
                self._dropped["duplicate"] += 1
            else:
                seen.add(name)
                kept[index] = name, split
        return kept

    def _write_image(
        self, record: Record, name: str, split: str, files: Mapping[str, IO[bytes]]
    ) -> None:
        try:
            image = prepare_image(record.image, self._spec)
        except ImageError as error:
            raise DataError(f"{record.origin} cannot be used: {error}") from error
        files[split].write(image.pixels.tobytes())
        self._counts[split] += 1
        self._fingerprint.update(f"{name} {record.label} {split} {record.group}\n".encode())
        self._rows.append(
            {
                "id": name,
                "label": record.label,
                "split": split,
                "group": record.group,
                "source": record.origin,
                **{name: getattr(image.statistics, name) for name in _STATISTICS},
            }
        )

    def _flush(self, table: pq.ParquetWriter) -> None:
        if self._rows:
            table.write_table(pa.Table.from_pylist(self._rows, schema=COLUMNS))
            self._rows.clear()


def content_id(record: Record) -> str:
    """sha256 of the source bytes, hexadecimal: of the file, or of an array's shape and pixels."""
    if isinstance(record.image, bytes):
        return hashlib.sha256(record.image).hexdigest()
    return hashlib.sha256(str(record.image.shape).encode() + record.image.tobytes()).hexdigest()
