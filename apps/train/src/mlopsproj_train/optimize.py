"""The command `optimize`: the fastest variant of a model that is still good enough.

Torch and Lightning are imported in the functions that need them: `--help` takes half a second.
"""

from mlopsproj_train.hydra_command import given_settings, run_hydra_command
from mlopsproj_train.optimizing.config import OptimizeConfig


def main() -> None:
    """Run the command with this process's arguments."""
    run_hydra_command(
        "optimize",
        OptimizeConfig,
        _optimize,
        description="Make a model smaller and faster, and publish the fastest good variant.",
        usage="uv run optimize [KEY=VALUE ...]",
        examples=(
            "uv run optimize                                  production, every kind of variant",
            "uv run optimize ladder=quantise                  without training: int8 only",
            "uv run optimize bundle=fashion-mnist:2           another version",
            "uv run optimize bundle=runs/2026-01-31_12-00-00  the bundle of a run",
            "uv run optimize budget=0.01                      accept the loss of a whole point",
            "uv run optimize output=json",
        ),
    )


def _optimize(config: OptimizeConfig) -> None:
    from mlopsproj_train.optimizing.session import optimise

    given = any(key.partition(".")[0] == "data" for key in given_settings())
    optimise(config, own_data=not given)
