"""What `optimize` is told: one frozen, typed tree. Imports no torch, so that `--help` is fast."""

from dataclasses import dataclass, field
from typing import Annotated

from mlopsproj_data.config import DataConfig
from mlopsproj_models.config import Calibration

from mlopsproj_train.config import Accelerator, Output


@dataclass(frozen=True)
class QuantisationConfig:
    """Variants that compute in int8.

    Attributes:
        dynamic: try int8 weights with activations that are measured at each request.
        methods: ways of choosing the ranges of activations, each a variant; `[]` for none.
        images: training images that the ranges are seen on.
        mixed: try to keep the layers that suffer most in float.
    """

    dynamic: bool = True
    methods: tuple[Calibration, ...] = (
        Calibration.minmax,
        Calibration.entropy,
        Calibration.percentile,
    )
    images: int = 512
    mixed: bool = True


@dataclass(frozen=True)
class PruningConfig:
    """Variants with fewer channels, trained on afterwards; each is tried in int8 too.

    Attributes:
        ratios: shares of the channels that are cut, each a variant; `[]` for none.
        epochs: that each is trained on; null takes two fifths of the model's own.
        lr: largest learning rate of that training, as a share of the model's own.
    """

    ratios: tuple[Annotated[float, "share"], ...] = (0.3, 0.5, 0.7)
    epochs: int | None = None
    lr: Annotated[float, "share"] = 0.3


@dataclass(frozen=True)
class DistillationConfig:
    """Smaller networks that learn from the model's answers; each is tried in int8 too.

    Attributes:
        widths: shares of the channels of the model's network, each a variant; `[]` for none.
        epochs: that each is trained; null takes as many as the model's own.
    """

    widths: tuple[Annotated[float, "share"], ...] = (0.5,)
    epochs: int | None = None


@dataclass(frozen=True)
class TimingConfig:
    """How variants are timed beside each other.

    Attributes:
        batches: images at once.
        threads: that compute one inference.
        rounds: in which each variant has its turn, at most; at least 15.
        seconds: after which no further round is begun, for each batch and number of threads; 15
            rounds are always timed.
        torch: time PyTorch too, eager and compiled, where the run's weights are here.
    """

    batches: tuple[Annotated[int, "images"], ...] = (1, 8, 32)
    threads: tuple[int, ...] = (1, 2)
    rounds: int = 200
    seconds: float = 8.0
    torch: bool = True


@dataclass(frozen=True)
class OptimizeConfig:
    """One climb for a smaller and faster variant of a model.

    Attributes:
        bundle: `name`, `name@alias` or `name:version` in the registry, or the folder of a run or
            bundle that was published there; production unless given.
        data: that the model was trained on; what its bundle tells unless given.
        quantisation: variants in int8.
        pruning: variants with fewer channels.
        distillation: smaller networks that learn from the model.
        timing: how variants are timed.
        budget: loss of accuracy that is accepted, from 0 to below 1.
        accept_undecided: why a variant may be chosen whose loss is not shown to be within the
            budget; recorded in the registry.
        accelerator: that variants are trained on.
        seed: of everything that is drawn.
        registry: URL of the registry; `$MLOPSPROJ_REGISTRY_URL`, else `./registry`, unless given.
        out: folder of the variants, which a climb that was interrupted goes on in;
            `optimizations/<name>-<version>` unless given.
        output: `table`, or `json`, which prints one document and nothing else.
    """

    bundle: str | None = None
    data: DataConfig = field(default_factory=DataConfig)
    quantisation: QuantisationConfig = field(default_factory=QuantisationConfig)
    pruning: PruningConfig = field(default_factory=PruningConfig)
    distillation: DistillationConfig = field(default_factory=DistillationConfig)
    timing: TimingConfig = field(default_factory=TimingConfig)
    budget: Annotated[float, "share"] = 0.005
    accept_undecided: str | None = None
    accelerator: Accelerator = Accelerator.auto
    seed: Annotated[int, "no unit"] = 0
    registry: str | None = None
    out: str | None = None
    output: Output = Output.table
