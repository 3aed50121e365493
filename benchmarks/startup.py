"""How long a user waits for `train --help` and `registry list`, beside `python -c "import hydra"`.

Goal: at most 3 times as long. Run: uv run python benchmarks/startup.py
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measurement import ratios, show, store

REFERENCE = [sys.executable, "-c", "import hydra"]
BIN = Path(sys.executable).parent


def seconds(command: list[str]) -> float:
    """Wall time of one run of a command that must succeed."""
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - started


def main() -> None:
    """Measure both commands."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=9)
    runs = parser.parse_args().runs
    figures = {}
    with tempfile.TemporaryDirectory() as empty:
        commands = {
            "train --help": [str(BIN / "train"), "--help"],
            "registry list": [str(BIN / "registry"), "list", "--registry", empty],
        }
        for name, command in commands.items():
            seconds(command)
            seconds(REFERENCE)
            pairs = [(seconds(command), seconds(REFERENCE)) for _ in range(runs)]
            figures[name] = ratios(*zip(*pairs, strict=True))
            show(f'{name} / python -c "import hydra"', figures[name], "at most 3")
    store("startup", figures)


if __name__ == "__main__":
    main()
