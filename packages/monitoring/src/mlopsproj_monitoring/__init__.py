"""Sees drift in what a model was asked, and starts the way back.

Names are imported when they are first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlopsproj_monitoring.check import DriftDetector as DriftDetector
    from mlopsproj_monitoring.config import DriftConfig as DriftConfig
    from mlopsproj_monitoring.reference import Reference as Reference
    from mlopsproj_monitoring.sample import Sample as Sample
    from mlopsproj_monitoring.sums import WindowSums as WindowSums
    from mlopsproj_monitoring.verdict import DetectorResult as DetectorResult
    from mlopsproj_monitoring.verdict import DriftCheck as DriftCheck
    from mlopsproj_monitoring.window import Window as Window
    from mlopsproj_monitoring.window_config import WindowConfig as WindowConfig
    from mlopsproj_monitoring.windows import read_window as read_window
    from mlopsproj_monitoring.windows import read_windows as read_windows

_MODULES = {
    "DetectorResult": "verdict",
    "DriftCheck": "verdict",
    "DriftConfig": "config",
    "DriftDetector": "check",
    "Reference": "reference",
    "Sample": "sample",
    "Window": "window",
    "WindowConfig": "window_config",
    "WindowSums": "sums",
    "read_window": "windows",
    "read_windows": "windows",
}

__all__ = sorted(_MODULES)  # noqa: PLE0605 (sorted gives a list)


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
