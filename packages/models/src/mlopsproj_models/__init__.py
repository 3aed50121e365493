"""Networks, the Lightning module, calibration and ONNX export.

Names are imported when they are first used: configuration is read without waiting for torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlopsproj_models.classifier import ImageClassifier as ImageClassifier
    from mlopsproj_models.config import ModelConfig as ModelConfig
    from mlopsproj_models.config import NetworkConfig as NetworkConfig
    from mlopsproj_models.config import OptimizerConfig as OptimizerConfig
    from mlopsproj_models.export import check_parity as check_parity
    from mlopsproj_models.export import export_onnx as export_onnx
    from mlopsproj_models.factory import build_network as build_network
    from mlopsproj_models.graph import ServingGraph as ServingGraph
    from mlopsproj_models.graph import calibrate as calibrate
    from mlopsproj_models.networks import ImageNetwork as ImageNetwork
    from mlopsproj_models.residual_network import ResidualNetwork as ResidualNetwork

_MODULES = {
    "ImageClassifier": "classifier",
    "ImageNetwork": "networks",
    "ModelConfig": "config",
    "NetworkConfig": "config",
    "OptimizerConfig": "config",
    "ResidualNetwork": "residual_network",
    "ServingGraph": "graph",
    "build_network": "factory",
    "calibrate": "graph",
    "check_parity": "export",
    "export_onnx": "export",
}

__all__ = sorted(_MODULES)  # noqa: PLE0605 (sorted gives a list)


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
