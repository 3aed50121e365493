"""What a user sets about a network and how it learns: schemas and their defaults.

`None` stands for what suits the architecture, which a command puts in its place; what is built
here refuses it. Imports no torch, so that a command can show its configuration at once.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated


class Schedule(StrEnum):
    """How the learning rate moves over the steps of a run."""

    one_cycle = "one_cycle"
    cosine = "cosine"


class Calibration(StrEnum):
    """How the range of an activation is chosen from what training images give, for int8.

    `minmax` takes all of it. `entropy` cuts off where the distribution changes least (Migacz 2017,
    8-bit Inference with TensorRT); `percentile` cuts off the largest 0.01 %.
    """

    minmax = "minmax"
    entropy = "entropy"
    percentile = "percentile"


@dataclass(frozen=True)
class NetworkConfig:
    """A residual network for images of 28 to 64 pixels.

    Attributes:
        stem_width: channels of the first convolution, which keeps the resolution.
        widths: channels of each stage; each begins by halving the resolution.
        blocks: residual blocks of each stage, after that; 0 is allowed.
    """

    stem_width: Annotated[int, "channels"] = 16
    widths: tuple[Annotated[int, "channels"], ...] = (32, 64, 128)
    blocks: tuple[int, ...] = (0, 1, 1)


@dataclass(frozen=True)
class OptimizerConfig:
    """AdamW and its learning rate.

    Attributes:
        lr: largest learning rate of AdamW.
        weight_decay: of weights with two or more axes; none for biases and normalisation.
        schedule: `one_cycle`, or `cosine` after a linear warm-up.
        warmup_fraction: of all steps, during which the rate rises.
    """

    lr: Annotated[float, "no unit"] | None = 1e-2
    weight_decay: Annotated[float, "no unit"] | None = 0.1
    schedule: Schedule = Schedule.one_cycle
    warmup_fraction: float = 0.2


@dataclass(frozen=True)
class LossConfig:
    """Cross-entropy and what softens its targets.

    Attributes:
        label_smoothing: probability spread over all classes, 0 to 1.
        mixup_alpha: of the Beta distribution that mixes pairs of images; 0 mixes none.
        class_weights: count each class by the inverse of how often it is trained on.
    """

    label_smoothing: Annotated[float, "share"] = 0.1
    mixup_alpha: Annotated[float, "no unit"] = 0.0
    class_weights: bool = False


@dataclass(frozen=True)
class FineTuneConfig:
    """How a backbone that has learned elsewhere is taken over.

    Attributes:
        frozen_epochs: first epochs, in which the head alone learns.
        frozen_lr: largest learning rate of the head in these.
        layer_decay: learning rate of each stage over that of the stage after it; 1 is the same
            for all, and the head has `optimizer.lr`.
        cache_features: take the embeddings of images as they are, computed once, while the
            backbone is frozen.
    """

    frozen_epochs: int | None = 0
    frozen_lr: Annotated[float, "no unit"] | None = 1e-3
    layer_decay: Annotated[float, "ratio"] | None = 1.0
    cache_features: bool = True


@dataclass(frozen=True)
class ModelConfig:
    """The network, its loss, and the average of its weights.

    Attributes:
        architecture: `residual`, `efficientnet_lite0`, `timm/NAME`, or `auto`, which
            a command replaces by what suits the images.
        pretrained: take weights that were learned on other images, where the architecture has
            some.
        width: share of EfficientNet-Lite0's channels; there are weights for 1 alone.
        network: the layers of a residual network.
        finetune: how a pretrained backbone is taken over.
        loss: what is minimised.
        ema_decay: of the exponential moving average of the weights that is validated and
            published; 0 averages none.
        compile: run the network through `torch.compile`.
    """

    architecture: str = "auto"
    pretrained: bool = True
    width: Annotated[float, "share"] = 1.0
    network: NetworkConfig = field(default_factory=NetworkConfig)
    finetune: FineTuneConfig = field(default_factory=FineTuneConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    ema_decay: Annotated[float, "share"] = 0.99
    compile: bool = False
