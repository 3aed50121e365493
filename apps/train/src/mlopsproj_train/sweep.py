"""The command `sweep`: a search for better settings, which ends with the command that trains them.

Torch and Optuna are imported in the functions that need them: `--help` takes half a second.
"""

from mlopsproj_train.config import SweepConfig
from mlopsproj_train.hydra_command import run_hydra_command, typed_settings


def main() -> None:
    """Run the command with this process's arguments."""
    run_hydra_command(
        "sweep",
        SweepConfig,
        _sweep,
        description="Search for settings that give a better network, by validation accuracy.",
        usage="uv run sweep [KEY=VALUE ...]",
        examples=(
            "uv run sweep                                    20 trials on the embedded sample",
            "uv run sweep data.path=FOLDER trials=50         any setting of train",
            "uv run sweep space=network name=widths          another search space",
            "uv run sweep '+space.trainer.batch_size={low: 32, high: 256, step: 32}'",
            "uv run sweep name=widths trials=0               what there is so far",
            "uv run sweep storage=postgresql+psycopg://USER@HOST/DATABASE",
        ),
    )


def _sweep(config: SweepConfig) -> None:
    from mlopsproj_train.sweeping.session import run_sweep

    run_sweep(config, typed_settings())
