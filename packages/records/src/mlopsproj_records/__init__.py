"""The prediction log: durable at once in a spool, in SQLite or PostgreSQL soon after.

Names are imported when they are first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlopsproj_records.database import Database as Database
    from mlopsproj_records.database import RefusedRecord as RefusedRecord
    from mlopsproj_records.export import ExportSummary as ExportSummary
    from mlopsproj_records.export import export_log as export_log
    from mlopsproj_records.identifiers import time_of as time_of
    from mlopsproj_records.identifiers import uuid7 as uuid7
    from mlopsproj_records.log import LogConfig as LogConfig
    from mlopsproj_records.log import LogState as LogState
    from mlopsproj_records.log import PredictionLog as PredictionLog
    from mlopsproj_records.migration import upgrade as upgrade
    from mlopsproj_records.record import FeedbackRecord as FeedbackRecord
    from mlopsproj_records.record import PredictionRecord as PredictionRecord
    from mlopsproj_records.record import StoredPrediction as StoredPrediction
    from mlopsproj_records.retention import Pruned as Pruned
    from mlopsproj_records.retention import prune as prune

_MODULES = {
    "Database": "database",
    "ExportSummary": "export",
    "FeedbackRecord": "record",
    "LogConfig": "log",
    "LogState": "log",
    "PredictionLog": "log",
    "PredictionRecord": "record",
    "Pruned": "retention",
    "RefusedRecord": "database",
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
