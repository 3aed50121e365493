"""The contracts that cross rooms: errors, image, bundle, predictor, registry, events.

Names are imported when they are first used, so that a command which only lists versions does not
wait for onnxruntime.
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING

# Since 1.32 onnxruntime tells Microsoft of each session, and keeps an id of the machine, unless
# this is set before it is imported. Who wishes it says ORT_DISABLE_TELEMETRY=0.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

if TYPE_CHECKING:
    from mlopsproj_core.bundle import Bundle as Bundle
    from mlopsproj_core.bundle import seal_bundle as seal_bundle
    from mlopsproj_core.errors import MlopsprojError as MlopsprojError
    from mlopsproj_core.image import ImageSpec as ImageSpec
    from mlopsproj_core.image import prepare_image as prepare_image
    from mlopsproj_core.labelled import LabelledImages as LabelledImages
    from mlopsproj_core.manifest import Manifest as Manifest
    from mlopsproj_core.outputs import Outputs as Outputs
    from mlopsproj_core.predictor import Prediction as Prediction
    from mlopsproj_core.predictor import Predictor as Predictor

_MODULES = {
    "Bundle": "bundle",
    "ImageSpec": "image",
    "LabelledImages": "labelled",
    "Manifest": "manifest",
    "MlopsprojError": "errors",
    "Outputs": "outputs",
    "Prediction": "predictor",
    "Predictor": "predictor",
    "prepare_image": "image",
    "seal_bundle": "bundle",
}

__all__ = sorted(_MODULES)  # noqa: PLE0605 (sorted gives a list)


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
