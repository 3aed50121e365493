"""The command `evaluate`: a model of the registry, judged on a prepared data set."""

from mlopsproj_train.config import EvaluateConfig
from mlopsproj_train.hydra_command import given_settings, run_hydra_command


def main() -> None:
    """Run the command with this process's arguments."""
    run_hydra_command(
        "evaluate",
        EvaluateConfig,
        _evaluate,
        description="Judge a model on a data set: figures with 95 % intervals, and pictures.",
        usage="uv run evaluate [KEY=VALUE ...]",
        examples=(
            "uv run evaluate                                 production, on its own test images",
            "uv run evaluate data.path=FOLDER                 on the test images of a folder",
            "uv run evaluate bundle=fashion-mnist:2           another version",
            "uv run evaluate bundle=runs/2026-01-31_12-00-00 the bundle of a run",
            "uv run evaluate robustness=true                 on spoilt images too",
            "uv run evaluate output=json",
        ),
    )


def _evaluate(config: EvaluateConfig) -> None:
    from mlopsproj_train.judging import judge_model

    given = any(key.partition(".")[0] == "data" for key in given_settings())
    judge_model(config, own_data=not given)
