"""A prepared data set: pixels that are mapped into memory, a table, and `dataset.json`.

    dataset.json       name, classes, image spec, counts, fingerprint, what was dropped
    images.parquet     a row for each image, in the order of the pixels
    validation.json    what validation said of the source
    rows.parquet       which record of the source each row is, and the split that it gives
    dropped.json       the images that were left out as invalid, if that was wished
    provenance.csv     who told which label, of images whose labels people told one by one
    train.u8  validation.u8  test.u8    raw uint8 pixels, (count, height, width, channels)

Reads what `preparation` wrote; knows nothing of sources.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from mlopsproj_core.errors import DataError, ImageError
from mlopsproj_core.image import ImageSpec
from mlopsproj_core.labelled import LabelledImages
from mlopsproj_core.manifest import DataSummary

from mlopsproj_data.splits import SPLITS

SCHEMA_VERSION: Final = 2
READABLE: Final = (1, SCHEMA_VERSION)
"""Schemas that are read: the present one and the one before."""

DESCRIPTION: Final = "dataset.json"
TABLE: Final = "images.parquet"
ROWS: Final = "rows.parquet"
REPORT: Final = "validation.json"
DROPPED: Final = "dropped.json"
PROVENANCE: Final = "provenance.csv"

COLUMNS: Final = pa.schema(
    [
        ("id", pa.string()),
        ("label", pa.int64()),
        ("split", pa.string()),
        ("group", pa.string()),
        ("source", pa.string()),
        ("bytes", pa.int64()),
        ("format", pa.string()),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("mode", pa.string()),
        ("brightness", pa.float32()),
        ("contrast", pa.float32()),
        ("sharpness", pa.float32()),
        ("saturation", pa.float32()),
        ("perceptual_hash", pa.binary()),
    ]
)
"""Of `images.parquet`: what an image is, where it came from, and what it looks like.

In schema 1, `bytes`, `format` and `perceptual_hash` are lacking: they are read as null.
"""


@dataclass(frozen=True)
class PreparedDataset:
    """A folder that `prepare` wrote.

    Attributes:
        folder: that holds it.
        name: of the data set, and of models trained on it.
        classes: names of the K classes.
        spec: of the pixels.
        counts: images of each split.
        fingerprint: of images, labels, splits and image spec.
        dropped: how many images were left out, by reason.
        provenance: where the labels come from that people told one by one; empty if none was.
    """

    folder: Path
    name: str
    classes: tuple[str, ...]
    spec: ImageSpec
    counts: Mapping[str, int]
    fingerprint: str
    dropped: Mapping[str, int]
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def open(cls, folder: str | Path) -> "PreparedDataset":
        """Read the description of a prepared data set.

        Raises:
            DataError: if there is none in `folder`, or this release cannot read it.
        """
        path = Path(folder)
        try:
            values: dict[str, Any] = json.loads((path / DESCRIPTION).read_bytes())
            schema = values["schema"]
            if schema not in READABLE:
                raise DataError(
                    f"{path} was prepared with schema {schema!r}; this release reads"
                    f" {' and '.join(map(str, READABLE))}: remove the folder and prepare it again."
                )
            dataset = cls(
                folder=path,
                name=values["name"],
                classes=tuple(values["classes"]),
                spec=ImageSpec(**values["image"]),
                counts=values["counts"],
                fingerprint=values["fingerprint"],
                dropped=values["dropped"],
                provenance=values.get("provenance", {}),
            )
            dataset._check_sizes()
        except (OSError, ValueError, KeyError, TypeError, ImageError) as error:
            raise DataError(
                f"{path} holds no prepared data set that can be read ({error!r}): give the folder"
                " of one, or remove this one and prepare it again."
            ) from error
        return dataset

    def _check_sizes(self) -> None:
        for split in SPLITS:
            path, expected = self._pixels(split), self.counts[split] * int(np.prod(self.spec.shape))
            found = path.stat().st_size if path.exists() else 0
            if found != expected:
                raise DataError(
                    f"{path} has {found:,} bytes instead of {expected:,}: remove {self.folder} and"
                    " prepare it again."
                )
        rows = pq.read_metadata(self.folder / TABLE).num_rows
        if rows != sum(self.counts.values()):
            raise DataError(
                f"{self.folder / TABLE} has {rows:,} rows instead of {sum(self.counts.values()):,}:"
                f" remove {self.folder} and prepare it again."
            )

    def labelled(self, split: str) -> LabelledImages:
        """One split; its images are a read-only memory map.

        Raises:
            DataError: if there is no such split, or it is empty.
        """
        if split not in SPLITS:
            raise DataError(f"split={split}: give {', '.join(SPLITS)}.")
        if not self.counts[split]:
            raise DataError(f"The {split} split of {self.name} holds no image.")
        table = self.table(split)
        shape = (self.counts[split], *self.spec.shape)
        return LabelledImages(
            ids=tuple(table["id"].to_pylist()),
            images=np.memmap(self._pixels(split), np.uint8, "r", shape=shape),
            labels=table["label"].to_numpy(),
            classes=self.classes,
        )

    def table(self, split: str) -> pa.Table:
        """The rows of one split, in the order of its images; see `COLUMNS`."""
        table = pq.read_table(self.folder / TABLE, filters=[("split", "=", split)])
        columns = [
            table[field.name] if field.name in table.column_names else pa.nulls(len(table))
            for field in COLUMNS
        ]
        return pa.table(columns, names=COLUMNS.names).cast(COLUMNS)

    @property
    def dropped_file(self) -> Path | None:
        """List of the images that were left out as invalid, if that was wished."""
        path = self.folder / DROPPED
        return path if path.exists() else None

    @property
    def report(self) -> dict[str, Any] | None:
        """What validation said of the source, as `Report.as_dict`; None before schema 2.

        Raises:
            DataError: if it cannot be read.
        """
        path = self.folder / REPORT
        if not path.exists():
            return None
        try:
            report: dict[str, Any] = json.loads(path.read_bytes())
        except (OSError, ValueError) as error:
            raise DataError(
                f"{path} cannot be read ({error}): remove {self.folder} and prepare it again."
            ) from error
        return report

    def summary(self) -> DataSummary:
        """What a bundle says of its data."""
        return DataSummary(name=self.name, fingerprint=self.fingerprint, counts=dict(self.counts))

    def training_ids(self) -> npt.NDArray[np.uint64]:
        """Sorted first eight bytes of the ids that are trained on or chosen by."""
        table = pq.read_table(
            self.folder / TABLE, columns=["id"], filters=[("split", "!=", "test")]
        )
        prefixes = [int(name[:16], 16) for name in table["id"].to_pylist()]
        return np.sort(np.array(prefixes, dtype=np.uint64))

    def _pixels(self, split: str) -> Path:
        return pixel_file(self.folder, split)


def pixel_file(folder: Path, split: str) -> Path:
    """File of the pixels of a split."""
    return folder / f"{split}.u8"
