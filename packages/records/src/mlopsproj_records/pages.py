"""Pages of predictions as columns, as fast as a database gives them: for who reads very many.

Values stay as they are kept where a whole page is better decoded at once: probabilities and
embeddings are bytes. Predictions that were only copied to a shadow are left out. Knows nothing of
what is computed of them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import msgspec
import numpy as np
import numpy.typing as npt
from sqlalchemy import (
    Connection,
    Dialect,
    Label,
    Select,
    String,
    Text,
    cast,
    select,
    tuple_,
    type_coerce,
)

from mlopsproj_records.schema import feedback, prediction

if TYPE_CHECKING:
    from mlopsproj_records.database import Database

Floats = npt.NDArray[np.float64]

_Place = tuple[datetime, str]
"""Of a prediction in the log: its time and id."""

STATISTICS: Final = (*("width", "height", "brightness", "contrast", "sharpness", "saturation"),)
"""Of an image, those that are numbers; `mode` is the one that is not."""


@dataclass(frozen=True, slots=True)
class PredictionPage:
    """Some predictions, in the order of their times, then ids; N of them in each column.

    Attributes:
        ids: of the predictions.
        times: UTC, aware.
        versions: `(N,)` int64, of the model.
        probabilities: of each, `(K,)` float32, little-endian, as bytes. K may differ.
        embeddings: of each, `(D,)` float16, little-endian, as bytes. D may differ.
        ood_scores: `(N,)` float64; NaN where there is none.
        statistics: by each name of `STATISTICS`, `(N,)` float64; NaN where there is none.
        modes: of the images, as Pillow calls them; empty where there is none.
        labels: the latest feedback of each; None where there is none.
        image_urls: where the image is kept; None where it is not.
        image_sha256: of the bytes that were sent, hexadecimal.
    """

    ids: list[str]
    times: list[datetime]
    versions: npt.NDArray[np.int64]
    probabilities: list[bytes]
    embeddings: list[bytes]
    ood_scores: Floats
    statistics: dict[str, Floats]
    modes: list[str]
    labels: list[str | None]
    image_urls: list[str | None]
    image_sha256: list[str]

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class Conditions:
    """Which predictions are meant: all that fit.

    Attributes:
        model: of this one; None for any.
        version: of this one; None for any.
        since: from this time on.
        until: before this time.
    """

    model: str | None = None
    version: int | None = None
    since: datetime | None = None
    until: datetime | None = None


def read_pages(
    database: "Database", conditions: Conditions, *, newest: int | None, page_size: int
) -> Iterator[PredictionPage]:
    """See `Database.pages`."""
    bounds: tuple[_Place, _Place] | None = None
    if newest is not None:
        bounds = database.run(partial(_bounds, conditions, newest)) if newest > 0 else None
        if bounds is None:
            return
    after: _Place | None = None
    while True:
        rows = database.run(partial(_rows, conditions, bounds, after, page_size))
        if rows:
            page = _page(rows)
            yield page
            after = page.times[-1], page.ids[-1]
        if len(rows) < page_size:
            return


def _bounds(
    conditions: Conditions, newest: int, connection: Connection
) -> tuple[_Place, _Place] | None:
    """The first and the last of the newest predictions; None if there are none.

    Both, so that what arrives while they are read makes them no more.
    """
    found = _chosen(select(prediction.c.time, prediction.c.id), conditions, connection.dialect)
    backwards = found.order_by(prediction.c.time.desc(), prediction.c.id.desc()).limit(1)
    last = connection.execute(backwards).one_or_none()
    if last is None:
        return None
    first = connection.execute(backwards.offset(newest - 1)).one_or_none()
    if first is None:  # there are fewer
        forwards = found.order_by(prediction.c.time, prediction.c.id).limit(1)
        first = connection.execute(forwards).one()
    return (first.time, first.id), (last.time, last.id)


def _rows(
    conditions: Conditions,
    bounds: tuple[_Place, _Place] | None,
    after: _Place | None,
    page_size: int,
    connection: Connection,
) -> Sequence[Any]:
    place = tuple_(prediction.c.time, prediction.c.id)
    statement = _chosen(_columns(connection.dialect), conditions, connection.dialect)
    if bounds is not None:
        statement = statement.where(place <= tuple_(*bounds[1]))
        if after is None:
            statement = statement.where(place >= tuple_(*bounds[0]))
    if after is not None:
        statement = statement.where(place > tuple_(*after))
    statement = statement.order_by(prediction.c.time, prediction.c.id).limit(page_size)
    return connection.execute(statement).all()


def _columns(dialect: Dialect) -> Select[Any]:
    label = (
        select(feedback.c.label)
        .where(feedback.c.prediction_id == prediction.c.id)
        .order_by(feedback.c.time.desc(), feedback.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    return select(
        prediction.c.id,
        _raw_time(dialect),
        prediction.c.version,
        prediction.c.probabilities,
        prediction.c.embedding,
        prediction.c.ood_score,
        cast(prediction.c.statistics, Text),
        label,
        prediction.c.image_url,
        prediction.c.image_sha256,
    )


def _raw_time(dialect: Dialect) -> Label[Any] | Any:
    """As text where SQLite keeps it as text: SQLAlchemy reads it more slowly than Python does."""
    if dialect.name == "sqlite":
        return type_coerce(prediction.c.time, String)
    return prediction.c.time


def _chosen(statement: Select[Any], conditions: Conditions, dialect: Dialect) -> Select[Any]:
    statement = statement.where(prediction.c.shadow_of.is_(None))
    model: Any = prediction.c.model
    if conditions.version is None and dialect.name == "sqlite":
        # Else SQLite finds the model by an index in which its versions come one after the other,
        # and sorts all of it anew for each page.
        model = model.op("||")("")
    if conditions.model is not None:
        statement = statement.where(model == conditions.model)
    if conditions.version is not None:
        statement = statement.where(prediction.c.version == conditions.version)
    if conditions.since is not None:
        statement = statement.where(prediction.c.time >= conditions.since)
    if conditions.until is not None:
        statement = statement.where(prediction.c.time < conditions.until)
    return statement


_Number = float | str | None


class _Statistics(msgspec.Struct):
    """What is read of an image's statistics; a number that JSON does not know is a text."""

    width: _Number = None
    height: _Number = None
    brightness: _Number = None
    contrast: _Number = None
    sharpness: _Number = None
    saturation: _Number = None
    mode: str = ""


_of_page = msgspec.json.Decoder(list[_Statistics])
_of_image = msgspec.json.Decoder(_Statistics)


def _page(rows: Sequence[Any]) -> PredictionPage:
    ids, times, versions, probabilities, embeddings, scores, texts, labels, urls, hashes = (
        list(column) for column in zip(*rows, strict=True)
    )
    statistics = _decoded(texts)
    return PredictionPage(
        ids=ids,
        times=[_utc(time) for time in times],
        versions=np.array(versions, np.int64),
        probabilities=probabilities,
        embeddings=embeddings,
        ood_scores=np.array(scores, np.float64),  # None is NaN
        statistics={name: _numbers([getattr(s, name) for s in statistics]) for name in STATISTICS},
        modes=[s.mode for s in statistics],
        labels=labels,
        image_urls=urls,
        image_sha256=hashes,
    )


def _utc(time: str | datetime) -> datetime:
    if isinstance(time, str):
        return datetime.fromisoformat(time).replace(tzinfo=UTC)
    return time.astimezone(UTC)


def _decoded(texts: list[str]) -> list[_Statistics]:
    try:
        return _of_page.decode(f"[{','.join(texts)}]")
    except msgspec.DecodeError:
        return [_decoded_alone(text) for text in texts]


def _decoded_alone(text: str) -> _Statistics:
    """Of one image; nothing of it where another program wrote what cannot be read."""
    try:
        return _of_image.decode(text)
    except msgspec.DecodeError:
        return _Statistics()


def _numbers(values: list[_Number]) -> Floats:
    try:
        return np.array(values, np.float64)  # None is NaN, and so is the text "NaN"
    except ValueError:
        return np.array([_number(value) for value in values], np.float64)


def _number(value: _Number) -> float:
    try:
        return np.nan if value is None else float(value)
    except ValueError:
        return np.nan
