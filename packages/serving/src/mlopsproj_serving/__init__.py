"""Answers over HTTP what a bundle says of images: scheduling, routes, metrics, limits, reload.

Names are imported when they are first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlopsproj_serving.application import create_app as create_app
    from mlopsproj_serving.config import ServingConfig as ServingConfig
    from mlopsproj_serving.service import Service as Service

_MODULES = {
    "Service": "service",
    "ServingConfig": "config",
    "create_app": "application",
}

__all__ = sorted(_MODULES)  # noqa: PLE0605 (sorted gives a list)


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
