"""Images whose true labels people told: read from the prediction log, one row for each image.

Of one prediction the latest label counts, and of one image, which may have been predicted several
times, the latest of these. Knows nothing of where images lie.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final

from mlopsproj_core.printing import printable
from mlopsproj_records import Database
from mlopsproj_records.schema import feedback, prediction
from sqlalchemy import Connection, Select, select, tuple_

_PAGE: Final = 1000


@dataclass(frozen=True, slots=True)
class ConfirmedImage:
    """An image and what was said of it.

    Attributes:
        sha256: of the bytes that were sent, hexadecimal: its content id.
        label: the true class.
        prediction_id: that the label was told for.
        model: that predicted it.
        version: of the model.
        actor: who told the label.
        time: when.
        image_url: where the image was kept; None if it was not.
    """

    sha256: str
    label: str
    prediction_id: str
    model: str
    version: int
    actor: str
    time: datetime
    image_url: str | None


@dataclass(frozen=True)
class Confirmations:
    """All of them.

    Attributes:
        images: in the order of their content ids.
        predictions: how many were labelled.
        contradicting: content ids of the images about which the labels of several predictions
            differ.
    """

    images: tuple[ConfirmedImage, ...]
    predictions: int
    contradicting: tuple[str, ...]


def read_confirmations(
    database: Database, model: str, *, until: datetime | None = None
) -> Confirmations:
    """Read what was told of one model's predictions.

    Holds what was labelled in memory, and not the log, whatever its size.

    Args:
        database: of the prediction log.
        model: whose predictions count, of any version.
        until: only what was told before this time; what was told later changes nothing.

    Raises:
        RecordsError: if the database cannot be read.
    """
    latest: dict[str, ConfirmedImage] = {}
    for row in _labels(database, model, until):
        latest[row.prediction_id] = row
    by_image: dict[str, list[ConfirmedImage]] = defaultdict(list)
    for row in sorted(latest.values(), key=lambda row: (row.time, row.prediction_id)):
        by_image[row.sha256].append(row)
    return Confirmations(
        images=tuple(_latest(by_image[sha256]) for sha256 in sorted(by_image)),
        predictions=len(latest),
        contradicting=tuple(
            sha256
            for sha256, rows in sorted(by_image.items())
            if len({row.label for row in rows}) > 1
        ),
    )


def models_with_feedback(database: Database, *, until: datetime | None = None) -> tuple[str, ...]:
    """Names of the models about whose predictions anything was told, sorted.

    Raises:
        RecordsError: if the database cannot be read.
    """
    joined = feedback.join(prediction, prediction.c.id == feedback.c.prediction_id)
    statement = select(prediction.c.model).distinct().select_from(joined)
    if until is not None:
        statement = statement.where(feedback.c.time < until)
    return tuple(sorted(row.model for row in database.run(partial(_all, statement))))


def _latest(rows: list[ConfirmedImage]) -> ConfirmedImage:
    """The last of them, with the address that any of them has."""
    last = rows[-1]
    url = next((row.image_url for row in reversed(rows) if row.image_url), None)
    return ConfirmedImage(
        last.sha256,
        last.label,
        last.prediction_id,
        last.model,
        last.version,
        last.actor,
        last.time,
        url,
    )


def _labels(database: Database, model: str, until: datetime | None) -> Iterator[ConfirmedImage]:
    """Every label, in the order in which they were told, a page in memory at a time."""
    joined = feedback.join(prediction, prediction.c.id == feedback.c.prediction_id)
    statement = (
        select(
            *(feedback.c[name] for name in ("id", "prediction_id", "label", "actor", "time")),
            *(prediction.c[name] for name in ("version", "image_sha256", "image_url")),
        )
        .select_from(joined)
        .where(prediction.c.model == model)
        .order_by(feedback.c.time, feedback.c.id)
        .limit(_PAGE)
    )
    if until is not None:
        statement = statement.where(feedback.c.time < until)
    page = statement
    while True:
        rows = database.run(partial(_all, page))
        for row in rows:
            yield ConfirmedImage(
                row.image_sha256,
                printable(row.label),  # it may become the name of a class
                row.prediction_id,
                model,
                row.version,
                row.actor,
                row.time,
                row.image_url,
            )
        if len(rows) < _PAGE:
            return
        last = rows[-1]
        page = statement.where(tuple_(feedback.c.time, feedback.c.id) > tuple_(last.time, last.id))


def _all(statement: Select[Any], connection: Connection) -> Any:
    return connection.execute(statement).all()
