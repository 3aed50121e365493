"""The prediction log: durable at once in a spool, in SQLite or PostgreSQL soon after.

And what monitoring keeps beside it: checks for drift, events to be told, retrainings.

Names are imported when they are first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlopsproj_records.database import Database as Database
    from mlopsproj_records.database import RefusedRecord as RefusedRecord
    from mlopsproj_records.drift_history import DriftCheckRecord as DriftCheckRecord
    from mlopsproj_records.drift_history import DriftHistory as DriftHistory
    from mlopsproj_records.drift_history import Recorded as Recorded
    from mlopsproj_records.export import ExportSummary as ExportSummary
    from mlopsproj_records.export import export_log as export_log
    from mlopsproj_records.extents import Extent as Extent
    from mlopsproj_records.identifiers import time_of as time_of
    from mlopsproj_records.identifiers import uuid7 as uuid7
    from mlopsproj_records.log import LogConfig as LogConfig
    from mlopsproj_records.log import LogState as LogState
    from mlopsproj_records.log import PredictionLog as PredictionLog
    from mlopsproj_records.migration import upgrade as upgrade
    from mlopsproj_records.outbox import Delivery as Delivery
    from mlopsproj_records.outbox import Outbox as Outbox
    from mlopsproj_records.outbox import OutboxEntry as OutboxEntry
    from mlopsproj_records.pages import PredictionPage as PredictionPage
    from mlopsproj_records.record import FeedbackRecord as FeedbackRecord
    from mlopsproj_records.record import PredictionRecord as PredictionRecord
    from mlopsproj_records.record import StoredPrediction as StoredPrediction
    from mlopsproj_records.retention import Pruned as Pruned
    from mlopsproj_records.retention import prune as prune
    from mlopsproj_records.retraining import Retraining as Retraining
    from mlopsproj_records.retraining import RetrainingRequest as RetrainingRequest
    from mlopsproj_records.retraining import Retrainings as Retrainings

_MODULES = {
    "Database": "database",
    "Delivery": "outbox",
    "DriftCheckRecord": "drift_history",
    "DriftHistory": "drift_history",
    "ExportSummary": "export",
    "Extent": "extents",
    "FeedbackRecord": "record",
    "LogConfig": "log",
    "LogState": "log",
    "Outbox": "outbox",
    "OutboxEntry": "outbox",
    "PredictionLog": "log",
    "PredictionPage": "pages",
    "PredictionRecord": "record",
    "Pruned": "retention",
    "Recorded": "drift_history",
    "RefusedRecord": "database",
    "Retraining": "retraining",
    "RetrainingRequest": "retraining",
    "Retrainings": "retraining",
    "StoredPrediction": "record",
    "export_log": "export",
    "prune": "retention",
    "time_of": "identifiers",
    "upgrade": "migration",
    "uuid7": "identifiers",
}

__all__ = sorted(_MODULES)  # noqa: PLE0605 (sorted gives a list)


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
