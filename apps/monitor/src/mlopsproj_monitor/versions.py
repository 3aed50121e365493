"""Which versions of a model are watched.

Knows nothing of what is found of them.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from mlopsproj_core.registry import ModelVersion
from mlopsproj_records.database import Database

RECENT: Final = timedelta(hours=24)
"""A version that answered within it is watched, wherever the alias points now."""


@dataclass(frozen=True, slots=True)
class Watched:
    """A version that is watched.

    Attributes:
        version: it.
        alias: that points at it; None for one that only answered lately.
        last_prediction: in the log; None if there is none.
    """

    version: ModelVersion
    alias: str | None
    last_prediction: datetime | None


def recent_versions(database: Database, meant: ModelVersion, alias: str | None) -> list[Watched]:
    """The version that is meant, first, and those of its model that answered lately.

    Args:
        database: of the predictions.
        meant: it.
        alias: that points at it; without one, no other version is watched.

    Raises:
        DatabaseAwayError: if the database cannot be reached.
        MigrationError: if its schema is not this release's.
    """
    last = {extent.version: extent.last for extent in database.extents(meant.name)}
    found = [Watched(meant, alias, last.pop(meant.number, None))]
    if alias is None:
        return found
    earliest = datetime.now(UTC) - RECENT
    for number, time in sorted(last.items(), reverse=True):
        if time >= earliest:
            found.append(Watched(ModelVersion(meant.name, number), None, time))
    return found
