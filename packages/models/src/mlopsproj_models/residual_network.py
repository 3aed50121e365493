"""A residual network for small images, which learns from scratch.

Knows nothing of losses, training or files.
"""

from typing import cast

import torch
from mlopsproj_core.errors import ConfigError
from torch import Tensor, nn
from torch.nn import functional

from mlopsproj_models.config import NetworkConfig
from mlopsproj_models.networks import ImageNetwork


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions around an identity (He et al. 2016, arXiv:1512.03385)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = _convolution(width, width)
        self.second = _convolution(width, width)
        # The block begins as the identity, which lets large learning rates start safely.
        nn.init.zeros_(cast("nn.BatchNorm2d", self.second[-1]).weight)

    def forward(self, features: Tensor) -> Tensor:
        """`(N, width, h, w)` to the same shape."""
        hidden = functional.relu(self.first(features), inplace=True)
        return functional.relu(self.second(hidden).add_(features), inplace=True)


class Halving(nn.Module):
    """A 3x3 convolution at the full resolution, then the largest of each 2x2.

    On small images this learns more from the same time than a strided convolution does.
    """

    def __init__(self, width_in: int, width_out: int) -> None:
        super().__init__()
        self.layers = _convolution(width_in, width_out, pool=True)

    def forward(self, features: Tensor) -> Tensor:
        """`(N, width_in, h, w)` to `(N, width_out, h // 2, w // 2)`."""
        return functional.relu(self.layers(features), inplace=True)


class ResidualNetwork(ImageNetwork):
    """A stem, stages of residual blocks, global average pooling and a linear head."""

    def __init__(self, config: NetworkConfig, *, channels: int, classes: int) -> None:
        """Build the layers.

        Args:
            config: widths and depths.
            channels: of the images, 1 or 3.
            classes: K.

        Raises:
            ConfigError: if the stages' widths and blocks do not go together.
        """
        super().__init__(mean=torch.zeros(channels), std=torch.ones(channels))
        widths, blocks = tuple(config.widths), tuple(config.blocks)
        if len(widths) != len(blocks) or not widths or min(widths) < 1 or min(blocks) < 0:
            raise ConfigError(
                f"model.network.widths={list(widths)} and blocks={list(blocks)} do not go"
                " together: give as many blocks (0 or more) as widths (1 or more)."
            )
        if config.stem_width < 1:
            raise ConfigError(f"model.network.stem_width={config.stem_width}: give 1 or more.")
        self.stem = _convolution(channels, config.stem_width)
        self.stages = nn.Sequential()
        width = config.stem_width
        for width_out, depth in zip(widths, blocks, strict=True):
            self.stages.append(Halving(width, width_out))
            self.stages.extend(ResidualBlock(width_out) for _ in range(depth))
            width = width_out
        self.head = nn.Linear(width, classes)
        # Convolutions on CPUs and tensor cores are faster with channels last.
        self.to(memory_format=torch.channels_last)

    def check_side(self, side: int) -> None:
        """Refuse images that the stages would halve to nothing.

        Args:
            side: the smaller one, in pixels.

        Raises:
            ConfigError: naming how large they must be.
        """
        halvings = sum(isinstance(layer, Halving) for layer in self.stages)
        if side < 2**halvings:
            raise ConfigError(
                f"Images of {side} pixels are too small for model.network.widths with"
                f" {halvings} stages, each of which halves them: give fewer stages, or"
                f" data.image_size={2**halvings} at least."
            )

    def parameters_by_stage(self) -> list[list[nn.Parameter]]:
        """The stem, each halving with the blocks after it, and the head."""
        stages = [list(self.stem.parameters())]
        for layer in self.stages:
            if isinstance(layer, Halving):
                stages.append([])
            stages[-1].extend(layer.parameters())
        return [*stages, list(self.head.parameters())]

    def embed(self, images: Tensor) -> Tensor:
        """Normalised `(N, C, H, W)` to the embedding `(N, D)`."""
        hidden = functional.relu(self.stem(images), inplace=True)
        return cast("Tensor", self.stages(hidden).mean(dim=(2, 3)))


def _convolution(width_in: int, width_out: int, *, pool: bool = False) -> nn.Sequential:
    """A 3x3 convolution without bias, and the batch normalisation that has one."""
    convolution = nn.Conv2d(width_in, width_out, 3, padding=1, bias=False)
    nn.init.kaiming_normal_(convolution.weight, mode="fan_out", nonlinearity="relu")
    layers: list[nn.Module] = [convolution, nn.BatchNorm2d(width_out)]
    if pool:
        layers.insert(1, nn.MaxPool2d(2))
    return nn.Sequential(*layers)
