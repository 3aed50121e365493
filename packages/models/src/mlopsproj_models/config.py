"""What a user sets about a network and how it learns: schemas and their defaults.

Imports no torch, so that a command can show its configuration at once.
"""

from dataclasses import dataclass, field
from enum import StrEnum


class Schedule(StrEnum):
    """How the learning rate moves over the steps of a run."""

    one_cycle = "one_cycle"
    cosine = "cosine"


@dataclass(frozen=True)
class NetworkConfig:
    """A residual network for images of 28 to 64 pixels.

    Attributes:
        stem_width: channels of the first convolution, which keeps the resolution.
        widths: channels of each stage; each begins by halving the resolution.
        blocks: residual blocks of each stage, after that; 0 is allowed.
    """

    stem_width: int = 16
    widths: tuple[int, ...] = (32, 64, 128)
    blocks: tuple[int, ...] = (0, 1, 1)


@dataclass(frozen=True)
class OptimizerConfig:
    """AdamW and its learning rate.

    Attributes:
        lr: largest learning rate.
        weight_decay: of weights with two or more axes; none for biases and normalisation.
        schedule: one_cycle, or cosine after a linear warm-up.
        warmup_fraction: of all steps, during which the rate rises.
    """

    lr: float = 1e-2
    weight_decay: float = 0.1
    schedule: Schedule = Schedule.one_cycle
    warmup_fraction: float = 0.2


@dataclass(frozen=True)
class LossConfig:
    """Cross-entropy and what softens its targets.

    Attributes:
        label_smoothing: probability spread over all classes, 0 to 1.
        mixup_alpha: of the Beta distribution that mixes pairs of images; 0 mixes none.
    """

    label_smoothing: float = 0.1
    mixup_alpha: float = 0.0


@dataclass(frozen=True)
class ModelConfig:
    """The network, its loss, and the average of its weights.

    Attributes:
        network: the layers.
        loss: what is minimised.
        ema_decay: of the exponential moving average of the weights that is validated and
            published; 0 averages none.
        compile: run the network through `torch.compile`.
    """

    network: NetworkConfig = field(default_factory=NetworkConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    ema_decay: float = 0.99
    compile: bool = False
