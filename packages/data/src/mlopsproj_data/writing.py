"""Examined records as the files of a prepared data set: pixels, table, description.

Knows nothing of where the folder will stand, or how the records were examined.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from mlopsproj_core.errors import DataError
from mlopsproj_core.image import ImageSpec

from mlopsproj_data.prepared import (
    COLUMNS,
    DESCRIPTION,
    DROPPED,
    PROVENANCE,
    REPORT,
    ROWS,
    SCHEMA_VERSION,
    TABLE,
    pixel_file,
)
from mlopsproj_data.records import LabelledSource
from mlopsproj_data.splits import SPLITS, TEST
from mlopsproj_data.validation.findings import Report

_ROWS_AT_ONCE: Final = 4096
_BYTES_AT_ONCE: Final = 16 << 20

DUPLICATE: Final = "duplicate"
DUPLICATE_OF_TEST: Final = "duplicate of a test image"
INVALID: Final = "invalid"
"""Why an image is left out."""


@dataclass(frozen=True)
class Contents:
    """What a prepared data set will hold.

    Attributes:
        source: where it comes from.
        table: a row for each record: `EXAMINED`, and its `place` among the pixels of `placed`;
            with a split for those that are used.
        placed: the split that the pixels of each record were put into.
        report: what validation says.
        drop_invalid: whether its errors, and classes that are left without an image, are left out.
    """

    source: LabelledSource
    table: pa.Table
    placed: pa.ChunkedArray
    report: Report
    drop_invalid: bool


def write_dataset(contents: Contents, pixels: Callable[[str], Path], folder: Path) -> None:
    """Write all files of a prepared data set into an empty folder.

    Args:
        contents: what it will hold.
        pixels: file of the pixels that were put into a split.
        folder: that is empty.

    Raises:
        DataError: if a split or all classes but one stay empty.
        OSError: if the disk is full.
    """
    kept, dropped = _choose(contents)
    source, table = contents.source, contents.table.take(pa.array(kept))
    classes, labels = _classes(contents, table["label"].to_numpy())
    splits = table["split"]
    counts = {split: pc.sum(pc.equal(splits, split)).as_py() or 0 for split in SPLITS}
    if not all(counts.values()):
        raise DataError(
            f"Too few images for three splits: {counts}, dropped: {dropped}."
            " Add images, or change data.validation_fraction."
        )
    placed, places = contents.placed.take(pa.array(kept)), table["place"].to_numpy()
    for split in SPLITS:
        chosen = pc.equal(splits, split).to_numpy()
        _write_pixels(
            pixel_file(folder, split),
            placed.filter(pa.array(chosen)).to_pylist(),
            places[chosen],
            pixels,
            source.spec,
        )
    table = table.set_column(table.schema.get_field_index("label"), "label", pa.array(labels))
    pq.write_table(table.select(COLUMNS.names).cast(COLUMNS), folder / TABLE)
    pq.write_table(pa.table({"row": pa.array(kept), "given": table["given"]}), folder / ROWS)
    _write_json(
        folder / DESCRIPTION,
        {
            "schema": SCHEMA_VERSION,
            "name": source.name,
            "classes": list(classes),
            "image": asdict(source.spec),
            "counts": counts,
            "dropped": dropped,
            "fingerprint": _fingerprint(table, classes, source.spec),
            **({"provenance": dict(source.provenance.facts)} if source.provenance else {}),
        },
    )
    if source.provenance:
        shutil.copyfile(source.provenance.table, folder / PROVENANCE)
    _write_json(folder / REPORT, contents.report.as_dict())
    if contents.drop_invalid:
        _write_json(folder / DROPPED, _dropped_list(contents))


def _choose(contents: Contents) -> tuple[npt.NDArray[np.int64], dict[str, int]]:
    """Rows that are kept, in their order, and how many are not, by reason.

    The same image is kept once: in the test set if it stands there, else where it stands first.
    A test image is never trained on.
    """
    rows = np.flatnonzero(contents.table["split"].is_valid().to_numpy())
    part = contents.table.take(pa.array(rows))
    ids = part["id"].combine_chunks().dictionary_encode().indices.to_numpy()
    tested = pc.equal(part["split"], TEST).to_numpy()
    order = np.lexsort((rows, ~tested, ids))
    first = np.ones(len(order), dtype=np.bool_)
    first[1:] = ids[order][1:] != ids[order][:-1]
    kept = np.zeros(len(order), dtype=np.bool_)
    kept[order[first]] = True
    copies = ~kept
    of_test = copies & ~tested & np.isin(ids, ids[tested])
    dropped = {
        DUPLICATE: int((copies & ~of_test).sum()),
        DUPLICATE_OF_TEST: int(of_test.sum()),
    }
    if contents.drop_invalid:
        dropped[INVALID] = len(contents.table) - len(rows)
    return rows[kept], dropped


def _classes(
    contents: Contents, labels: npt.NDArray[np.int64]
) -> tuple[tuple[str, ...], npt.NDArray[np.int64]]:
    """Names of the classes and labels of the rows; without the empty ones if they are dropped."""
    if not contents.drop_invalid:
        return contents.source.classes, labels
    used, renumbered = np.unique(labels, return_inverse=True)
    classes = tuple(contents.source.classes[label] for label in used)
    return classes, renumbered.astype(np.int64)


def _write_pixels(
    target: Path,
    placed: list[str],
    places: npt.NDArray[np.int64],
    pixels: Callable[[str], Path],
    spec: ImageSpec,
) -> None:
    """The pixels of a split: mostly a file that is there already, under a second name."""
    size = int(np.prod(spec.shape))
    own = pixels(target.stem)
    whole = own.stat().st_size == len(places) * size
    if whole and set(placed) == {target.stem} and (places == np.arange(len(places))).all():
        try:
            os.link(own, target)
        except OSError:  # a file system without hard links
            shutil.copyfile(own, target)
        return
    maps = {
        split: np.memmap(pixels(split), np.uint8, "r").reshape(-1, size) for split in set(placed)
    }
    step = max(1, _BYTES_AT_ONCE // size)
    with target.open("wb") as file:
        for start in range(0, len(places), step):
            block = np.empty((min(step, len(places) - start), size), np.uint8)
            for offset in range(len(block)):
                block[offset] = maps[placed[start + offset]][places[start + offset]]
            file.write(block.data)


def _fingerprint(table: pa.Table, classes: tuple[str, ...], spec: ImageSpec) -> str:
    digest = hashlib.sha256(json.dumps([classes, asdict(spec)]).encode())
    for batch in table.select(["id", "label", "split", "group"]).to_batches(_ROWS_AT_ONCE):
        for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            digest.update("{} {} {} {}\n".format(*row).encode())
    return digest.hexdigest()


def _dropped_list(contents: Contents) -> list[dict[str, str]]:
    """Every image that an error leaves out, and what could not become a record or has none."""
    origins, dropped = contents.table["source"], []
    for finding in contents.report.errors:
        details = {each.origin: each.detail for each in finding.offenders}
        left_out = [origins[row].as_py() for row in finding.dropped]
        for origin in dict.fromkeys([*left_out, *details]):
            detail = details.get(origin, finding.message)
            dropped.append({"origin": origin, "check": finding.check, "detail": detail})
    return dropped


def _write_json(path: Path, value: Any) -> None:
    text = json.dumps(value, indent=2, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")
