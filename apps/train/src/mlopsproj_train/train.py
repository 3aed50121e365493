"""The command `train`: from labelled images to a version in the registry.

Torch and Lightning are imported in the functions that need them: `--help` takes half a second.
"""

from mlopsproj_train.config import TrainConfig
from mlopsproj_train.hydra_command import refuse_other_settings, run_hydra_command


def main() -> None:
    """Run the command with this process's arguments."""
    run_hydra_command(
        "train",
        TrainConfig,
        _train,
        description="Train a network on labelled images and publish it to the registry.",
        usage="uv run train [KEY=VALUE ...]",
        examples=(
            "uv run train                                    the embedded sample, about a minute",
            "uv run train experiment=fashion_mnist           the complete data set",
            "uv run train trainer.max_epochs=4 seed=1        other settings",
            "uv run train -m optimizer.lr=1e-3,3e-3          one run for each value",
            "uv run train resume=runs/2026-01-31_12-00-00    go on after an interruption",
        ),
    )


def _train(config: TrainConfig) -> None:
    from mlopsproj_train.pipeline import run_pipeline

    if config.resume is not None:
        refuse_other_settings("resume", allowed=("output",))
    run_pipeline(config)
