"""What the routes ask: the state of the watch, and what the database holds.

Blocks; knows nothing of HTTP.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from mlopsproj_core.errors import MlopsprojError, NoModelError, NotFoundError
from mlopsproj_core.registry import ModelVersion
from mlopsproj_records.database import Database
from mlopsproj_records.drift_history import DriftCheckRecord, DriftHistory

from mlopsproj_monitor.conditions import Conditions
from mlopsproj_monitor.delivery import EVENTS
from mlopsproj_monitor.following import Following
from mlopsproj_monitor.reports import Reports
from mlopsproj_monitor.versions import Watched
from mlopsproj_monitor.watch import DATABASE, REGISTRY, Watch

if TYPE_CHECKING:
    from mlopsproj_monitor.repetition import Repetition

HANGS_SECONDS: Final = 300.0
"""Which no look takes that gets answers: the first check of a version takes some seconds."""

_TICK = timedelta(microseconds=1)


@dataclass(frozen=True)
class Monitor:
    """A monitor that runs; any thread may ask.

    Attributes:
        database: of predictions, checks and retrainings.
        watch: over the versions.
        following: what follows from checks.
        conditions: of what is needed.
        reports: make pages.
        repetitions: that look and deliver.
    """

    database: Database
    watch: Watch
    following: Following
    conditions: Conditions
    reports: Reports
    repetitions: "tuple[Repetition, ...]" = ()

    @property
    def watched(self) -> tuple[Watched, ...]:
        """The versions that are watched, the one that is meant first."""
        return self.watch.watched

    def why_not_ready(self) -> MlopsprojError | None:
        """Why no check would be made; None if one would."""
        failing = self.conditions.failing
        meant = [str(each.version) for each in self.watched[:1]]
        for part in (REGISTRY, DATABASE, *meant, EVENTS):
            if part in failing:
                return failing[part]
        for each in self.repetitions:
            if each.busy_seconds > HANGS_SECONDS:
                return MlopsprojError(
                    f"The {each.name} has not come to an end for {each.busy_seconds:.0f} s: the"
                    " registry, the database or a receiver of events may hang."
                )
        if not self.watch.looked:
            return NoModelError("No look at registry and database has come to its end yet.")
        return None

    def problem_of(self, version: ModelVersion) -> str | None:
        """Why a version cannot be checked; None if it can."""
        failing = self.conditions.failing
        error = failing.get(str(version)) or failing.get(DATABASE)
        return None if error is None else str(error)

    def latest(self, model: str, version: int) -> DriftCheckRecord | None:
        """The latest check of a version; None if there is none."""
        found = DriftHistory(self.database).checks(model=model, version=version, limit=1)
        return found[0] if found else None

    def checks(
        self, *, model: str | None, version: int | None, before: str | None, limit: int
    ) -> tuple[list[DriftCheckRecord], str | None]:
        """A page of checks, newest first, and the id to ask for the next page with.

        Args:
            model: only of this one.
            version: only of this one.
            before: only older than the check of this id.
            limit: at least 1.

        Raises:
            NotFoundError: if there is no check of that id.
        """
        history = DriftHistory(self.database)
        until, place = None, None
        if before is not None:
            last = history.find(before)
            if last is None:
                raise NotFoundError(f'There is no check "{before[:100]}" to go on from.')
            until, place = last.time + _TICK, (last.time, last.id)
        ask = limit + 1
        while True:
            found = history.checks(model=model, version=version, until=until, limit=ask)
            # Several of one moment stand in the order of their ids.
            older = [each for each in found if place is None or (each.time, each.id) < place]
            if len(older) > limit or len(found) < ask:
                break
            ask *= 2
        page = older[:limit]
        return page, page[-1].id if len(older) > limit else None
