"""The records of a source as the files of a prepared data set: pixels, table, description.

Knows nothing of where the folder will stand, or whether it was prepared before.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import asdict, fields
from pathlib import Path
from typing import IO, Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
from mlopsproj_core.errors import DataError, ImageError
from mlopsproj_core.image import ImageStatistics, prepare_image

from mlopsproj_data.prepared import COLUMNS, DESCRIPTION, SCHEMA_VERSION, TABLE
from mlopsproj_data.records import LabelledSource, Record, content_id
from mlopsproj_data.splits import SPLITS, TEST, TRAIN, VALIDATION, choose_split

_STATISTICS: Final = tuple(field.name for field in fields(ImageStatistics))
_ROWS_AT_ONCE: Final = 4096
_REPORT_EVERY: Final = 256


class DatasetWriter:
    """Writes the records of a source, one at a time, in constant memory but for their ids."""

    def __init__(self, source: LabelledSource, validation_fraction: float) -> None:
        self._source = source
        self._validation_fraction = validation_fraction
        self._counts: Final = dict.fromkeys(SPLITS, 0)
        self._dropped: Final = {"duplicate": 0, "duplicate of a test image": 0}
        self._fingerprint = hashlib.sha256(
            json.dumps([source.classes, asdict(source.spec)]).encode()
        )
        self._rows: list[dict[str, Any]] = []

    def write(self, folder: Path, progress: Callable[[int, int], None] | None) -> None:
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
            "name": self._source.name,
            "classes": list(self._source.classes),
            "image": asdict(self._source.spec),
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
            image = prepare_image(record.image, self._source.spec)
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
