"""How often a model is right where nobody says what is right, and how sure that is.

Names are imported when they are first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlopsproj_monitoring.estimation.correctness import CorrectnessModel as CorrectnessModel

_MODULES = {"CorrectnessModel": "correctness"}

__all__ = sorted(_MODULES)  # noqa: PLE0605 (sorted gives a list)


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
