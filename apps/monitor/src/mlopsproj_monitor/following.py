"""What follows from a check: its record, its event, a retraining.

Knows nothing of how drift is found.
"""

from datetime import timedelta
from pathlib import Path
from typing import Final

from mlopsproj_core.events import deliver, receiver
from mlopsproj_monitoring.triggers import RetrainingFlow, read_trigger
from mlopsproj_records.database import Database
from mlopsproj_records.drift_history import DriftHistory, Recorded
from mlopsproj_records.outbox import Delivery, Outbox

from mlopsproj_monitor.checks import Checked, event_of
from mlopsproj_monitor.settings import MonitorSettings

RETRAININGS: Final = Path("retrainings")
"""Where commands that drift starts keep their output."""


class Following:
    """Records, tells and starts; any thread may use it, and any number of processes."""

    def __init__(self, settings: MonitorSettings, database: Database) -> None:
        """Do nothing yet.

        Args:
            settings: of the monitor.
            database: that holds checks, events and retrainings.

        Raises:
            ConfigError: if nobody can be told, or nothing started, as the settings say.
        """
        receiver(settings.event_url)  # refused now rather than at the first drift
        trigger = read_trigger(settings.retrain, folder=RETRAININGS) if settings.retrain else None
        self.how = None if trigger is None else trigger.how
        """What drift starts, as a person is shown it, without secrets; None for nothing."""
        self.flow = RetrainingFlow(database, trigger, automatic=settings.approve == "auto")
        self._event_url, self._source = settings.event_url, database.url
        self._cooldown = timedelta(hours=settings.cooldown_hours)
        self._history, self._outbox = DriftHistory(database), Outbox(database)

    def record(self, checked: Checked) -> Recorded:
        """Keep a check, with its event and the request of a retraining: all or nothing."""
        record = checked.record
        return self._history.record(
            record,
            event=event_of(checked, self._source),
            key=f"drift-detected {record.model}:{record.version}",
            cooldown_seconds=self._cooldown.total_seconds(),
            retraining=self.flow.request(),
        )

    def go_on(self) -> Delivery:
        """Tell what is due, start what is approved, and see what has ended."""
        made = self._outbox.deliver_due(lambda event: deliver(event, self._event_url))
        self.flow.advance()
        return made
