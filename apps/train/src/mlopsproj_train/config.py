"""What a training run is told: one frozen, typed tree, registered with Hydra.

The parts stand beside what they configure, in the libraries; here they are joined with what only
the command knows. Imports no torch and no Lightning, so that `--help` answers at once.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any

from mlopsproj_data.config import DataConfig
from mlopsproj_models.config import FineTuneConfig, ModelConfig, OptimizerConfig


class Accelerator(StrEnum):
    """What the network is trained on."""

    auto = "auto"
    cpu = "cpu"
    gpu = "gpu"


class Precision(StrEnum):
    """Arithmetic of the forward and backward pass; weights and updates are float32 always."""

    auto = "auto"
    float32 = "float32"
    bfloat16 = "bfloat16"
    float16 = "float16"


class WandbMode(StrEnum):
    """Whether figures go to Weights & Biases, now (online) or after `wandb sync` (offline)."""

    offline = "offline"
    online = "online"
    disabled = "disabled"


class PrunerKind(StrEnum):
    """By what a trial of a sweep is ended early: the median of the others, or rungs of epochs."""

    median = "median"
    hyperband = "hyperband"
    none = "none"


class Output(StrEnum):
    """What a command prints on stdout: a table for people, or one JSON document."""

    table = "table"
    json = "json"


@dataclass(frozen=True)
class TrainerConfig:
    """How long and on what.

    Attributes:
        accelerator: `auto` takes a GPU where there is one.
        precision: `auto` takes bfloat16 or float16 where the device computes it faster.
        max_epochs: passes over the training images; null takes what suits network and images.
        batch_size: images of one optimiser step; null takes what suits network and images.
        gradient_clip: largest norm of the gradient; null clips nothing.
        patience: epochs without a better validation accuracy before the run stops; null never
            stops early.
    """

    accelerator: Accelerator = Accelerator.auto
    precision: Precision = Precision.auto
    max_epochs: int | None = None
    batch_size: Annotated[int, "images"] | None = None
    gradient_clip: Annotated[float, "no unit"] | None = 1.0
    patience: Annotated[int, "epochs"] | None = None


@dataclass(frozen=True)
class LoggerConfig:
    """Where the figures of a run go, beside the CSV file of its folder.

    Attributes:
        wandb: `offline` needs no account.
        project: of Weights & Biases.
    """

    wandb: WandbMode = WandbMode.offline
    project: str = "mlopsproj"


def _open_model() -> ModelConfig:
    """What the command chooses by the images stays open; a library's caller has defaults."""
    finetune = FineTuneConfig(frozen_epochs=None, frozen_lr=None, layer_decay=None)
    return ModelConfig(finetune=finetune)


def _open_optimizer() -> OptimizerConfig:
    return OptimizerConfig(lr=None, weight_decay=None)


@dataclass(frozen=True)
class TrainConfig:
    """One training run.

    Attributes:
        data: what is learned from.
        model: what learns.
        optimizer: how it learns.
        trainer: how long and on what.
        logger: where figures go.
        seed: of everything that is drawn.
        run_dir: folder of the run, which must be empty; `runs/<time>` unless given.
        registry: URL of the registry; `$MLOPSPROJ_REGISTRY_URL`, else `./registry`, unless given.
        resume: folder of a run to go on with; it brings its own settings: beside it stand only
            `registry`, `output`, `logger=…` (which replaces the mode alone), `logger.wandb` and
            `logger.project`.
        profile: write a PyTorch profiler trace of some steps, and say where the time goes.
        output: `table`, or `json`, which prints one document and nothing else.
    """

    data: DataConfig = field(default_factory=DataConfig)
    model: ModelConfig = field(default_factory=_open_model)
    optimizer: OptimizerConfig = field(default_factory=_open_optimizer)
    trainer: TrainerConfig = field(default_factory=TrainerConfig)
    logger: LoggerConfig = field(default_factory=LoggerConfig)
    seed: Annotated[int, "no unit"] = 0
    run_dir: str | None = None
    registry: str | None = None
    resume: str | None = None
    profile: bool = False
    output: Output = Output.table


@dataclass(frozen=True)
class PrunerConfig:
    """When a trial is ended that promises less than the others.

    Attributes:
        kind: `median` ends a trial below the median of the others at the same epoch; `hyperband`
            keeps the best third at each rung of epochs; `none` ends none.
        min_trials: that must be done before any is ended early.
        min_epochs: that every trial is given.
    """

    kind: PrunerKind = PrunerKind.median
    min_trials: int = 5
    min_epochs: int = 4


@dataclass(frozen=True)
class SweepConfig:
    """One search for better settings.

    Attributes:
        data: what each trial learns from.
        model: what learns.
        optimizer: how it learns.
        trainer: how long and on what.
        seed: of everything that is drawn.
        space: key of a run to its range, `{low, high, log, step}`, or to its `{choices}`;
            `space=NAME` takes a file of `configs/space`.
        trials: of the sweep in all, whichever process runs them; 0 shows what there is.
        name: of the sweep, and of its folder in `sweeps`; the data set's unless given.
        storage: SQLAlchemy URL of the study, whose driver must be installed;
            `sweeps/<name>/study.db` unless given.
        pruner: when a trial is ended early.
        output: `table`, or `json`, which prints one document and nothing else.
    """

    data: DataConfig = field(default_factory=DataConfig)
    model: ModelConfig = field(default_factory=_open_model)
    optimizer: OptimizerConfig = field(default_factory=_open_optimizer)
    trainer: TrainerConfig = field(default_factory=TrainerConfig)
    seed: Annotated[int, "no unit"] = 0
    space: dict[str, Any] = field(default_factory=dict)
    trials: int = 20
    name: str | None = None
    storage: str | None = None
    pruner: PrunerConfig = field(default_factory=PrunerConfig)
    output: Output = Output.table


@dataclass(frozen=True)
class EvaluateConfig:
    """One evaluation of a bundle on a prepared data set.

    Attributes:
        bundle: `name`, `name@alias` or `name:version` in the registry, or the folder of a run or
            bundle; production unless given.
        data: what it is judged on.
        split: `train`, `validation` or `test` of the data set.
        robustness: judge it on spoilt images too, which takes longer.
        registry: URL of the registry; `$MLOPSPROJ_REGISTRY_URL`, else `./registry`, unless given.
        out: folder for the figures and `report.json`; `evaluations/<bundle>-<data>-<split>` unless
            given.
        output: `table`, or `json`, which prints one document and nothing else.
    """

    bundle: str | None = None
    data: DataConfig = field(default_factory=DataConfig)
    split: str = "test"
    robustness: bool = False
    registry: str | None = None
    out: str | None = None
    output: Output = Output.table


@dataclass(frozen=True)
class PredictConfig:
    """Predictions for image files.

    Attributes:
        path: an image file, or a folder that is searched for them.
        bundle: `name`, `name@alias` or `name:version` in the registry, or the folder of a run or
            bundle; production unless given.
        registry: URL of the registry; `$MLOPSPROJ_REGISTRY_URL`, else `./registry`, unless given.
        top: how many classes are shown for each image.
        output: `table`, or `json`, which prints one document and nothing else.
    """

    path: str | None = None
    bundle: str | None = None
    registry: str | None = None
    top: Annotated[int, "classes"] = 3
    output: Output = Output.table
