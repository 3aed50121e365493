"""Whether a training process grows: its resident memory after epoch 20 less that after epoch 2.

Goal: less than 10 MB. Run: uv run python benchmarks/training_memory.py
"""

import csv
import subprocess
import sys
import tempfile
from pathlib import Path

from measurement import store

EPOCHS = 20
FIRST = 2
GOAL_MB = 10


def main() -> None:
    """Train for 20 epochs and read what the run noted of its memory."""
    with tempfile.TemporaryDirectory() as scratch:
        command = [
            str(Path(sys.executable).parent / "train"),
            f"trainer.max_epochs={EPOCHS}",
            f"run_dir={scratch}/run",
            f"registry={scratch}/registry",
        ]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        with (Path(scratch) / "run" / "metrics.csv").open(encoding="utf-8") as file:
            megabytes = [float(row["memory_mb"]) for row in csv.DictReader(file)]
    growth = megabytes[EPOCHS - 1] - megabytes[FIRST - 1]
    print(f"memory: {megabytes[FIRST - 1]:,.0f} MB after epoch {FIRST}, {growth:+.1f} MB by epoch")
    print(f"{EPOCHS} (goal: less than {GOAL_MB} MB)")
    store("training_memory", {"growth_mb": growth, "megabytes": megabytes})


if __name__ == "__main__":
    main()
