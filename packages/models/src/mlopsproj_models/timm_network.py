"""Any network of timm by its name, as the project's own networks are.

timm is an extra and imported only here, when such a network is built. Knows nothing of losses,
training or data.
"""

import difflib
import importlib.util
from collections import defaultdict
from types import ModuleType
from typing import Any, cast

import torch
from mlopsproj_core.errors import ConfigError
from torch import Tensor, nn

from mlopsproj_models.networks import ImageNetwork

_CLOSE_NAMES = 5
_LARGEST_PIXEL = 255.0


class TimmNetwork(ImageNetwork):
    """A backbone of timm and a linear head; grey images are repeated to three channels."""

    def __init__(self, name: str, *, classes: int, pretrained: bool) -> None:
        """Build the layers.

        Args:
            name: of timm, with or without the tag of its weights: `resnet18`, `resnet18.a1_in1k`.
            classes: K.
            pretrained: take timm's weights, which it downloads once.

        Raises:
            ConfigError: if timm is not installed, knows no such network, cannot get its weights,
                or gives something else than an embedding.
        """
        backbone = _backbone(name, pretrained=pretrained)
        mean, std = (
            torch.tensor(backbone.pretrained_cfg[key]) * _LARGEST_PIXEL for key in ("mean", "std")
        )
        super().__init__(mean=mean, std=std, pretrained=pretrained)
        self.name = name
        self.backbone = backbone
        self._side = int(backbone.pretrained_cfg["input_size"][-1])
        embedding = self._embedding(self._side)
        if embedding.ndim != 2:  # noqa: PLR2004 (N and D)
            raise ConfigError(
                f"model.architecture=timm/{name} gives {tuple(embedding.shape)} for an image, which"
                " is no embedding: name another network."
            )
        self.head = nn.Linear(embedding.shape[1], classes)
        # Convolutions on CPUs and tensor cores are faster with channels last.
        self.to(memory_format=torch.channels_last)

    def check_side(self, side: int) -> None:
        """Refuse images that the backbone cannot take, which an empty one shows.

        Args:
            side: the smaller one, in pixels.

        Raises:
            ConfigError: naming the size that suits it.
        """
        try:
            embedding = self._embedding(side)
        except Exception as error:  # each network says it in its own way
            raise ConfigError(
                f"Images of {side} pixels do not suit model.architecture=timm/{self.name}"
                f" ({_first_line(error)}): give data.image_size={self._side}."
            ) from error
        if not bool(torch.isfinite(embedding).all()):
            raise ConfigError(
                f"Images of {side} pixels are too small for model.architecture=timm/{self.name}:"
                f" give data.image_size={self._side}."
            )

    def parameters_by_stage(self) -> list[list[nn.Parameter]]:
        """As timm groups its layers, and the head."""
        from timm.models import group_parameters  # noqa: PLC0415 (an extra)

        matcher = self.backbone.group_matcher(coarse=True)
        stages: dict[int, list[nn.Parameter]] = defaultdict(list)
        stage_of = group_parameters(self.backbone, matcher, reverse=True)
        for name, parameter in self.backbone.named_parameters():
            stages[stage_of[name]].append(parameter)
        return [*(stages[index] for index in sorted(stages)), list(self.head.parameters())]

    def embed(self, images: Tensor) -> Tensor:
        """Normalised `(N, 3, H, W)` to the embedding `(N, D)`."""
        return cast("Tensor", self.backbone(images))

    def _embedding(self, side: int) -> Tensor:
        """Of one empty image, `(1, D)`; the backbone is left as it was."""
        training = self.backbone.training
        try:
            with torch.no_grad():
                embedding = self.backbone.eval()(torch.zeros(1, 3, side, side))
        finally:
            self.backbone.train(training)
        return cast("Tensor", embedding)


def _backbone(name: str, *, pretrained: bool) -> Any:
    timm = _timm()
    if not timm.is_model(name):
        close = difflib.get_close_matches(name, timm.list_models(), _CLOSE_NAMES, cutoff=0.5)
        shown = f"perhaps {', '.join(close)}" if close else "timm.list_models() lists them"
        raise ConfigError(f"model.architecture=timm/{name}: timm has no such network; {shown}.")
    try:
        return timm.create_model(name, pretrained=pretrained, num_classes=0, in_chans=3)
    except Exception as error:  # of timm, of the hub, or of the network
        mend = (
            "go online for the first run, name other weights, or give model.pretrained=false"
            if pretrained
            else "name another network"
        )
        raise ConfigError(
            f"model.architecture=timm/{name} with model.pretrained={str(pretrained).lower()} cannot"
            f" be had ({_first_line(error)}): {mend}."
        ) from error


def _timm() -> ModuleType:
    if importlib.util.find_spec("timm") is None:
        raise ConfigError(
            "model.architecture=timm/NAME needs timm, which is not installed: add the extra `timm`"
            " (pip install 'mlopsproj-models[timm]'), or give another architecture."
        )
    import timm  # noqa: PLC0415 (an extra)

    return timm


def _first_line(error: Exception) -> str:
    text = str(error).strip()
    return f"{type(error).__name__}: {text.splitlines()[0]}" if text else type(error).__name__
