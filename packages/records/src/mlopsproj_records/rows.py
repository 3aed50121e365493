"""Records as rows of tables, and back, bit by bit.

Knows nothing of connections. See `schema` for how values are kept.
"""

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final, overload

import msgspec
from mlopsproj_core.errors import RecordsError
from sqlalchemy import JSON, ColumnElement, Table, Text, cast

from mlopsproj_records.record import FeedbackRecord, PredictionRecord, Record, StoredPrediction
from mlopsproj_records.schema import prediction

Row = tuple[Any, ...]
_Number = float | str
_encode = msgspec.json.Encoder().encode
_top_k = msgspec.json.Decoder(tuple[tuple[str, _Number], ...])
_statistics = msgspec.json.Decoder(dict[str, int | float | str])
_latency = msgspec.json.Decoder(dict[str, _Number])
_NO_NUMBERS = {"NaN", "Infinity", "-Infinity"}
_PREDICTION_COLUMNS: Final = len(prediction.columns)


def row_of(record: Record, *, times_as_text: bool) -> Row:
    """The values of a record in the order of its table's columns, as drivers take them.

    Args:
        record: a prediction or feedback.
        times_as_text: UTC, as SQLAlchemy writes them to SQLite.

    Raises:
        ValueError, TypeError, OverflowError: if the record's values have not its types.
    """
    time = time_value(record.time, times_as_text=times_as_text)
    if isinstance(record, FeedbackRecord):
        return (record.id, record.prediction_id, record.label, record.actor, time)
    score = float(record.ood_score)
    return (
        record.id,
        time,
        record.model,
        record.version,
        as_json(record.top_k),
        record.probabilities,
        record.embedding,
        None if math.isnan(score) else score,
        as_json(record.statistics),
        as_json(record.latency_ms),
        record.request_id,
        record.image_sha256,
        record.image_url,
        record.shadow_of,
    )


@overload
def time_value(time: datetime, *, times_as_text: bool) -> datetime | str: ...
@overload
def time_value(time: None, *, times_as_text: bool) -> None: ...
def time_value(time: datetime | None, *, times_as_text: bool) -> datetime | str | None:
    """A time as drivers take it: UTC, as the text that SQLAlchemy writes to SQLite or as it is."""
    if time is None:
        return None
    utc = time.astimezone(UTC)
    return utc.isoformat(" ", "microseconds")[:26] if times_as_text else utc


def selected(table: Table) -> list[ColumnElement[Any]]:
    """The columns of a table as `stored` takes them: structures as their JSON text."""
    return [
        cast(column, Text).label(column.name) if isinstance(column.type, JSON) else column
        for column in table.columns
    ]


def stored(row: Sequence[Any]) -> StoredPrediction:
    """A prediction with its feedback.

    Args:
        row: `selected(prediction)`, then `selected(feedback)`, which is NULL if there is none.

    Raises:
        RecordsError: if the row holds what no record holds.
    """
    said = row[_PREDICTION_COLUMNS:]
    return StoredPrediction(
        record=_prediction(row),
        feedback=None if said[0] is None else FeedbackRecord(*said),
    )


def _prediction(row: Sequence[Any]) -> PredictionRecord:
    (id_, time, model, version, top_k, probabilities, embedding, score, statistics, latency) = row[
        :10
    ]
    try:
        return PredictionRecord(
            id_,
            time,
            model,
            version,
            tuple((name, float(number)) for name, number in _top_k.decode(top_k)),
            probabilities,
            embedding,
            math.nan if score is None else score,
            {key: _value(value) for key, value in _statistics.decode(statistics).items()},
            {key: float(value) for key, value in _latency.decode(latency).items()},
            *row[10:_PREDICTION_COLUMNS],
        )
    except (msgspec.DecodeError, ValueError, TypeError) as error:
        raise RecordsError(
            f"The prediction {id_} in the database cannot be read ({error}): it was changed by"
            " another program; mend or delete the row."
        ) from error


def _value(value: float | str) -> int | float | str:
    return float(value) if isinstance(value, str) and value in _NO_NUMBERS else value


def as_json(value: object) -> str:
    """As JSON text, where a number that JSON does not know is the text of its name."""
    encoded = _encode(value)
    if b"null" in encoded:  # what NaN and the infinities become
        encoded = _encode(_finite(value))
    return encoded.decode()


def _finite(value: object) -> object:
    """The same with texts for the numbers that JSON does not know."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, dict):
        return {key: _finite(part) for key, part in value.items()}
    if isinstance(value, tuple | list):
        return [_finite(part) for part in value]
    return value
