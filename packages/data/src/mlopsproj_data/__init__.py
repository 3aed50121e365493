"""Sources, splits and prepared data sets; Lightning DataModule and augmentation behind [torch].

Names are imported when they are first used, so that torch is needed only for what needs it.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlopsproj_data.config import AugmentConfig as AugmentConfig
    from mlopsproj_data.config import DataConfig as DataConfig
    from mlopsproj_data.datamodule import DataModule as DataModule
    from mlopsproj_data.preparation import prepare as prepare
    from mlopsproj_data.preparation import prepare_source as prepare_source
    from mlopsproj_data.prepared import PreparedDataset as PreparedDataset
    from mlopsproj_data.records import LabelledSource as LabelledSource
    from mlopsproj_data.records import Record as Record

_MODULES = {
    "AugmentConfig": "config",
    "DataConfig": "config",
    "DataModule": "datamodule",
    "LabelledSource": "records",
    "PreparedDataset": "prepared",
    "Record": "records",
    "prepare": "preparation",
    "prepare_source": "preparation",
}

__all__ = sorted(_MODULES)  # noqa: PLE0605 (sorted gives a list)


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
