"""What drift starts: an event that is told, and a retraining.

How a monitor uses it, with a `Database` of the records:

    # None where the setting is empty.
    trigger = read_trigger(settings.retrain, folder=Path("retrainings"))
    flow = RetrainingFlow(database, trigger, automatic=settings.approve == "auto")

    # After each check; the check, its event and the request of a retraining in one transaction.
    event = drift_event(check, …) if check.verdict == "drift" else None
    DriftHistory(database).record(
        record, event=event, key=…, cooldown_seconds=…, retraining=flow.request()
    )

    # In each round of its loop, and at the end of a one-shot check:
    Outbox(database).deliver_due(lambda event: deliver(event, settings.event_url))
    flow.advance()

    # When a person decides; `flow.advance()` of the next round, or now, starts it.
    flow.approve(id, actor=…, reason=…)
    flow.decline(id, actor=…, reason=…)

Names are imported when they are first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlopsproj_monitoring.triggers.command import CommandTrigger as CommandTrigger
    from mlopsproj_monitoring.triggers.event import drift_event as drift_event
    from mlopsproj_monitoring.triggers.flow import RetrainingFlow as RetrainingFlow
    from mlopsproj_monitoring.triggers.setting import SETTING as SETTING
    from mlopsproj_monitoring.triggers.setting import RetrainingTrigger as RetrainingTrigger
    from mlopsproj_monitoring.triggers.setting import read_trigger as read_trigger
    from mlopsproj_monitoring.triggers.webhook import WebhookTrigger as WebhookTrigger

_MODULES = {
    "SETTING": "setting",
    "CommandTrigger": "command",
    "RetrainingFlow": "flow",
    "RetrainingTrigger": "setting",
    "WebhookTrigger": "webhook",
    "drift_event": "event",
    "read_trigger": "setting",
}

__all__ = sorted(_MODULES)  # noqa: PLE0605 (sorted gives a list)


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
