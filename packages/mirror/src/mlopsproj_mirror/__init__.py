"""The registry's versions and aliases at Weights & Biases, and moves of aliases brought back.

Names are imported when they are first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlopsproj_mirror.automatic import mirror_changes as mirror_changes
    from mlopsproj_mirror.pulling import Outcome as Outcome
    from mlopsproj_mirror.pulling import Pulled as Pulled
    from mlopsproj_mirror.pulling import Terms as Terms
    from mlopsproj_mirror.pulling import pull as pull
    from mlopsproj_mirror.pushing import Push as Push
    from mlopsproj_mirror.pushing import push as push
    from mlopsproj_mirror.service import Service as Service
    from mlopsproj_mirror.target import Target as Target

_MODULES = {
    "Outcome": "pulling",
    "Pulled": "pulling",
    "Push": "pushing",
    "Service": "service",
    "Target": "target",
    "Terms": "pulling",
    "mirror_changes": "automatic",
    "pull": "pulling",
    "push": "pushing",
}

__all__ = sorted(_MODULES)  # noqa: PLE0605 (sorted gives a list)


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
