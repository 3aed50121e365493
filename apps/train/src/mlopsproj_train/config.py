"""What a training run is told: one frozen, typed tree, registered with Hydra.

The parts stand beside what they configure, in the libraries; here they are joined with what only
the command knows. Imports no torch and no Lightning, so that `--help` answers at once.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from mlopsproj_data.config import DataConfig
from mlopsproj_models.config import ModelConfig, OptimizerConfig


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


class Output(StrEnum):
    """What a command prints on stdout: a table for people, or one JSON document."""

    table = "table"
    json = "json"


@dataclass(frozen=True)
class TrainerConfig:
    """How long and on what.

    Attributes:
        accelerator: auto takes a GPU where there is one.
        precision: auto takes bfloat16 or float16 where the device computes it faster.
        max_epochs: passes over the training images.
        batch_size: images of one optimiser step.
        gradient_clip: largest norm of the gradient; null clips nothing.
        patience: epochs without a better validation accuracy before the run stops; null never
            stops early.
    """

    accelerator: Accelerator = Accelerator.auto
    precision: Precision = Precision.auto
    max_epochs: int = 9
    batch_size: int = 128
    gradient_clip: float | None = 1.0
    patience: int | None = None


@dataclass(frozen=True)
class LoggerConfig:
    """Where the figures of a run go, beside the CSV file of its folder.

    Attributes:
        wandb: offline needs no account.
        project: of Weights & Biases.
    """

    wandb: WandbMode = WandbMode.offline
    project: str = "mlopsproj"


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
        run_dir: folder of the run; `runs/<time>` unless given.
        registry: URL of the registry; `$MLOPSPROJ_REGISTRY_URL`, else `./registry`, unless given.
        resume: folder of a run to go on with; it brings its own configuration.
        profile: write a PyTorch profiler trace of some steps, and say where the time goes.
        output: table or json.
    """

    data: DataConfig = field(default_factory=DataConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    trainer: TrainerConfig = field(default_factory=TrainerConfig)
    logger: LoggerConfig = field(default_factory=LoggerConfig)
    seed: int = 0
    run_dir: str | None = None
    registry: str | None = None
    resume: str | None = None
    profile: bool = False
    output: Output = Output.table


@dataclass(frozen=True)
class EvaluateConfig:
    """One evaluation of a bundle on a prepared data set.

    Attributes:
        bundle: `name`, `name@alias` or `name:version` in the registry, or the folder of a run or
            bundle; production unless given.
        data: what it is judged on.
        split: of the data set.
        registry: URL of the registry; `$MLOPSPROJ_REGISTRY_URL`, else `./registry`, unless given.
        out: folder for the figures and `report.json`; `evaluations/<bundle>-<data>-<split>` unless
            given.
        output: table or json.
    """

    bundle: str | None = None
    data: DataConfig = field(default_factory=DataConfig)
    split: str = "test"
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
        output: table or json.
    """

    path: str | None = None
    bundle: str | None = None
    registry: str | None = None
    top: int = 3
    output: Output = Output.table
