"""Tells what is to be told, and takes retrainings a step further, again and again.

Knows nothing of drift.
"""

from typing import Final

from mlopsproj_core.errors import MlopsprojError

from mlopsproj_monitor.conditions import Conditions, defect
from mlopsproj_monitor.following import Following
from mlopsproj_monitor.metrics import MonitorMetrics

EVENTS: Final = "events and retrainings"


class Delivery:
    """Delivers; one thread at a time."""

    def __init__(
        self, following: Following, *, metrics: MonitorMetrics, conditions: Conditions
    ) -> None:
        """Tell nothing yet.

        Args:
            following: tells, and starts.
            metrics: count what came of it.
            conditions: are told what does not work.
        """
        self._following, self._metrics, self._conditions = following, metrics, conditions

    def deliver(self) -> None:
        """Deliver once."""
        try:
            made = self._following.go_on()
            counts = self._following.flow.retrainings.counts()
        except MlopsprojError as error:
            self._conditions.fails(EVENTS, error)
            return
        except Exception as error:
            self._conditions.fails(EVENTS, defect("Telling", error))
            raise
        self._conditions.works(EVENTS)
        self._metrics.events(delivered=made.delivered, failed=made.failed, pending=made.pending)
        self._metrics.retrainings(counts)
