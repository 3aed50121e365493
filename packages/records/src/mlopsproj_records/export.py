"""The prediction log as one Parquet file, with the memory of a few thousand rows, however many.

Columns are typed: probabilities and embeddings as lists of float32, times in UTC, the feedback that
counts beside its prediction. Knows nothing of who reads it.
"""

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from mlopsproj_core.errors import RecordsError
from mlopsproj_core.image import ImageStatistics
from mlopsproj_core.local_files import put_in_place

from mlopsproj_records.database import Database
from mlopsproj_records.record import StoredPrediction

_ROW_GROUP_BYTES = 16 * 1024 * 1024
_ROW_GROUP_ROWS = 50_000
_PAGE = 1000
_TIME = pa.timestamp("us", tz="UTC")
_FLOATS = pa.list_(pa.float32())
_ARROW: Final[dict[object, Any]] = {int: pa.int64(), float: pa.float64(), str: pa.string()}
_STATISTICS: Final = {field.name: _ARROW[field.type] for field in fields(ImageStatistics)}

SCHEMA: Final = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("time", _TIME, nullable=False),
        pa.field("model", pa.string(), nullable=False),
        pa.field("version", pa.int64(), nullable=False),
        ("top_k", pa.list_(pa.struct([("class", pa.string()), ("probability", pa.float64())]))),
        ("probabilities", _FLOATS),
        ("embedding", _FLOATS),
        ("ood_score", pa.float64()),
        ("statistics", pa.struct(list(_STATISTICS.items()))),
        ("other_statistics", pa.string()),
        ("latency_ms", pa.map_(pa.string(), pa.float64())),
        ("request_id", pa.string()),
        ("image_sha256", pa.string()),
        ("image_url", pa.string()),
        ("shadow_of", pa.string()),
        ("feedback_label", pa.string()),
        ("feedback_actor", pa.string()),
        ("feedback_time", _TIME),
    ]
)
"""Of the file. `other_statistics` is JSON, of those that this release's images do not have."""


@dataclass(frozen=True, slots=True)
class ExportSummary:
    """What was written.

    Attributes:
        path: of the file.
        predictions: rows.
        with_feedback: rows whose true label is known.
        bytes: size of the file.
    """

    path: Path
    predictions: int
    with_feedback: int
    bytes: int


def export_log(
    database: Database,
    path: str | Path,
    *,
    model: str | None = None,
    version: int | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> ExportSummary:
    """Write predictions, in the order of their times, to a Parquet file: whole or not at all.

    Args:
        database: to read.
        path: of the file; one that is there is replaced when all is written.
        model: only of this one.
        version: only of this one.
        since: only from this time on.
        until: only before this time.

    Raises:
        DatabaseAwayError: if the database cannot be reached.
        MigrationError: if its schema is not this release's.
        RecordsError: if the file cannot be written, or a row cannot be read.
    """
    path = Path(path)
    predictions = with_feedback = 0
    found = database.predictions(
        model=model, version=version, since=since, until=until, page_size=_PAGE
    )
    try:
        with _whole(path) as draft, pq.ParquetWriter(draft, SCHEMA, compression="zstd") as writer:
            for group in _row_groups(found):
                writer.write_table(group, row_group_size=group.num_rows)
                predictions += group.num_rows
                with_feedback += group.num_rows - group["feedback_label"].null_count
        size = path.stat().st_size
    except (OSError, pa.ArrowException) as error:
        raise RecordsError(f"{path} cannot be written ({error}): name another file.") from error
    return ExportSummary(path, predictions, with_feedback, size)


@contextmanager
def _whole(path: Path) -> Iterator[Path]:
    """A draft beside `path`, which takes its place, on disk, at the end; or goes, on an error."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        yield draft
        with draft.open("rb+") as file:
            os.fsync(file.fileno())
        put_in_place(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def _row_groups(predictions: Iterable[StoredPrediction]) -> Iterator[pa.Table]:
    rows = iter(predictions)
    batches: list[pa.RecordBatch] = []
    while page := list(islice(rows, _PAGE)):
        batches.append(_batch(page))
        if (
            sum(batch.nbytes for batch in batches) >= _ROW_GROUP_BYTES
            or sum(batch.num_rows for batch in batches) >= _ROW_GROUP_ROWS
        ):
            yield pa.Table.from_batches(batches)
            batches = []
    if batches:
        yield pa.Table.from_batches(batches)


def _batch(page: Sequence[StoredPrediction]) -> pa.RecordBatch:
    records = [stored.record for stored in page]
    said = [stored.feedback for stored in page]
    columns = {
        **{name: [getattr(record, name) for record in records] for name in _PLAIN},
        "top_k": [
            [{"class": name, "probability": value} for name, value in record.top_k]
            for record in records
        ],
        "probabilities": _floats([(r.id, r.probabilities) for r in records], np.dtype("<f4")),
        "embedding": _floats([(r.id, r.embedding) for r in records], np.dtype("<f2")),
        "statistics": [
            {key: _typed(record.statistics.get(key), kind) for key, kind in _STATISTICS.items()}
            for record in records
        ],
        "other_statistics": [_others(record.statistics) for record in records],
        "latency_ms": [list(record.latency_ms.items()) for record in records],
        "feedback_label": [None if one is None else one.label for one in said],
        "feedback_actor": [None if one is None else one.actor for one in said],
        "feedback_time": [None if one is None else one.time for one in said],
    }
    return pa.RecordBatch.from_arrays(
        [
            column if isinstance(column, pa.Array) else pa.array(column, field.type)
            for field, column in ((field, columns[field.name]) for field in SCHEMA)
        ],
        schema=SCHEMA,
    )


_PLAIN: Final = (
    *("id", "time", "model", "version", "ood_score"),
    *("request_id", "image_sha256", "image_url", "shadow_of"),
)


def _floats(rows: Sequence[tuple[str, bytes]], kind: np.dtype[Any]) -> pa.ListArray:
    """The arrays of many rows, of any lengths, as one column of float32."""
    for id_, data in rows:
        if len(data) % kind.itemsize:
            raise RecordsError(
                f"The prediction {id_} in the database cannot be read ({len(data)} bytes are no"
                f" whole number of {kind.name}): it was changed by another program; mend or"
                " delete the row."
            )
    lengths = [len(data) // kind.itemsize for _, data in rows]
    offsets: npt.NDArray[np.int32] = np.cumsum([0, *lengths], dtype=np.int32)
    values = np.frombuffer(b"".join(data for _, data in rows), kind).astype(np.float32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(values))


def _typed(value: object, kind: Any) -> object:
    """A statistic, or None where it has not the type that the column has."""
    if kind == pa.string():
        return value if isinstance(value, str) else None
    if kind == pa.int64():
        return value if isinstance(value, int) else None
    return float(value) if isinstance(value, int | float) else None


def _others(statistics: dict[str, int | float | str]) -> str | None:
    """As JSON, those that have no column of their own, or another type than it."""
    others = {
        key: value
        for key, value in statistics.items()
        if key not in _STATISTICS or _typed(value, _STATISTICS[key]) is None
    }
    return json.dumps(others, ensure_ascii=False) if others else None
