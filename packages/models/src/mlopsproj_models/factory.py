"""From what a user sets to the network that it names.

Knows nothing of images or training: what suits them is chosen before.
"""

from typing import Final

from mlopsproj_core.errors import ConfigError

from mlopsproj_models.config import ModelConfig
from mlopsproj_models.efficientnet_lite import EfficientNetLite0
from mlopsproj_models.networks import ImageNetwork
from mlopsproj_models.residual_network import ResidualNetwork
from mlopsproj_models.timm_network import TimmNetwork

TIMM: Final = "timm/"
"""What stands before the name of a network of timm."""


def build_network(config: ModelConfig, *, channels: int, classes: int) -> ImageNetwork:
    """An untrained head on the backbone that the configuration names.

    Args:
        config: its architecture is no longer "auto".
        channels: of the images, 1 or 3.
        classes: K.

    Raises:
        ConfigError: if there is no such network, or it cannot be built.
    """
    name = config.architecture
    if name == "residual":
        return ResidualNetwork(config.network, channels=channels, classes=classes)
    if name == "efficientnet_lite0":
        return EfficientNetLite0(classes=classes, pretrained=config.pretrained, width=config.width)
    if name.startswith(TIMM):
        return TimmNetwork(name.removeprefix(TIMM), classes=classes, pretrained=config.pretrained)
    raise ConfigError(
        f"model.architecture={name}: give residual, efficientnet_lite0, or timm/NAME."
    )
