"""Which versions of which models have predictions in the log, and from when to when.

Each is found by an index, however many predictions there are. Knows nothing of how many.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select, tuple_

from mlopsproj_records.schema import prediction


@dataclass(frozen=True, slots=True)
class Extent:
    """The predictions of one version that were answered to clients.

    Attributes:
        model: name in the registry.
        version: number in the registry.
        first: time of the earliest prediction, UTC.
        last: time of the latest.
    """

    model: str
    version: int
    first: datetime
    last: datetime


def read_extents(model: str | None, connection: Connection) -> list[Extent]:
    """See `Database.extents`."""
    key = tuple_(prediction.c.model, prediction.c.version)
    following = select(prediction.c.model, prediction.c.version).order_by(
        prediction.c.model, prediction.c.version
    )
    if model is not None:
        following = following.where(prediction.c.model == model)
    found: list[Extent] = []
    row = connection.execute(following.limit(1)).one_or_none()
    while row is not None:
        extent = _extent(row.model, row.version, connection)
        if extent is not None:
            found.append(extent)
        after = following.where(key > tuple_(row.model, row.version)).limit(1)
        row = connection.execute(after).one_or_none()
    return found


def _extent(model: str, version: int, connection: Connection) -> Extent | None:
    times = select(prediction.c.time).where(
        prediction.c.model == model,
        prediction.c.version == version,
        prediction.c.shadow_of.is_(None),
    )
    first = times.order_by(prediction.c.time, prediction.c.id).limit(1)
    last = times.order_by(prediction.c.time.desc(), prediction.c.id.desc()).limit(1)
    earliest = connection.execute(first).scalar_one_or_none()
    if earliest is None:  # it was only ever a shadow
        return None
    return Extent(model, version, earliest, connection.execute(last).scalar_one())
