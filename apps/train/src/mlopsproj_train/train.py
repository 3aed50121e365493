"""The command `train`: from labelled images to a version in the registry.

Torch and Lightning are imported in the functions that need them: `--help` takes half a second.
"""

from dataclasses import asdict
from typing import TYPE_CHECKING

from mlopsproj_core.errors import ConfigError

from mlopsproj_train.config import Output, TrainConfig
from mlopsproj_train.hydra_command import (
    Job,
    given_settings,
    in_multirun,
    refuse_other_settings,
    refuse_shared_setting,
    run_hydra_command,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mlopsproj_train.summary import Summary

_REPLACEABLE = {
    "registry": ("registry",),
    "logger": ("logger.wandb",),
    "logger.wandb": ("logger.wandb",),
    "logger.project": ("logger.project",),
}
"""What each setting replaces in a run that goes on; the trained network follows from none of it."""


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
        compare=_compare,
    )


def _train(config: TrainConfig) -> "Summary":
    from mlopsproj_data.sources.downloads import is_url
    from mlopsproj_data.sources.locations import existing

    refuse_shared_setting("run_dir")
    replaced: set[str] = set()
    if config.resume is not None:
        if not config.resume:
            raise ConfigError("resume= is empty: name the folder of a run.")
        refuse_other_settings("resume", allowed=("output", *_REPLACEABLE))
        replaced = {path for key in given_settings() for path in _REPLACEABLE.get(key, ())}
    elif config.data.path and not is_url(config.data.path):
        existing(config.data.path)  # told now, not after the seconds that the imports below take

    from mlopsproj_train.answers import answer_console, print_json
    from mlopsproj_train.pipeline import run_pipeline

    summary = run_pipeline(config, replaced=replaced)
    if config.output is Output.table:
        summary.print_table(answer_console())
    elif not in_multirun():
        print_json(asdict(summary))
    return summary


def _compare(jobs: "Sequence[Job[TrainConfig, Summary]]") -> None:
    from mlopsproj_train.comparison import compare_runs

    compare_runs(jobs)
