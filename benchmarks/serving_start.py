"""From the start of `api` until it is ready, over the time to import what a server needs.

Ready is when `/readyz` answers 200 for the first time, after a real inference; how the model is
scheduled was found out in an earlier start and remembered. Goal: at most 2.
Run: uv run python benchmarks/serving_start.py
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from measurement import ratios, show, store
from serving.contenders import ours
from serving.inputs import MODELS, Served, model
from serving.server import end_on_signals

IMPORTS = "import fastapi, onnxruntime, numpy, PIL"


def imports() -> float:
    """Seconds of the reference."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", IMPORTS], check=True)
    return time.perf_counter() - started


def start(served: Served, scratch: Path) -> float:
    """Seconds until ready; what a start leaves for the next one is in `scratch`."""
    started = time.perf_counter()
    with ours().launch(served, scratch).server as server:
        server.wait_ready(pause_seconds=0.002)
        return time.perf_counter() - started


def main() -> None:
    """Measure both models, each start beside one of the reference."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=9)
    arguments = parser.parse_args()
    end_on_signals()
    figures: dict[str, Any] = {}
    for name in MODELS:
        served = model(name)
        with tempfile.TemporaryDirectory() as scratch:
            first = start(served, Path(scratch))
            imports()
            pairs = [(start(served, Path(scratch)), imports()) for _ in range(arguments.runs)]
        starts, references = zip(*pairs, strict=True)
        ratio = ratios(starts, references)
        show(f'{name}: start to ready over python -c "{IMPORTS}"', ratio, "at most 2")
        figures[name] = {
            "ratio": ratio,
            "first_start_seconds": first,
            "start_seconds": starts,
            "imports_seconds": references,
        }
    store("serving_start", figures)


if __name__ == "__main__":
    main()
