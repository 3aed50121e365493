"""What `optimize` makes of two models, beside eager PyTorch and the fp32 graph in onnxruntime.

The residual network on the complete Fashion-MNIST, and EfficientNet-Lite0 at 224 pixels on photos
of signing hands, split by student. Each is trained where WORK_FOLDER holds no run of it yet, and
climbed; what was done there before is not done again, only timed.

    python benchmarks/compression.py HANDS_FOLDER WORK_FOLDER

The hands are https://github.com/ardamavi/Sign-Language-Digits-Dataset, a folder for each digit.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from measurement import store
from photos import write_students

ROOT = Path(__file__).parents[1]
EAGER, FP32, SIZE = 3.0, 1.5, 0.3


def main() -> None:
    """Train, climb and print what came out, goal by goal."""
    if len(sys.argv) != 3:  # noqa: PLR2004 (two arguments)
        sys.exit("usage: python benchmarks/compression.py HANDS_FOLDER WORK_FOLDER")
    hands, work = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    work.mkdir(parents=True, exist_ok=True)
    students = work / "students.csv"
    write_students(hands, students)
    models = {
        "fashion": ["experiment=fashion_mnist", "trainer.max_epochs=12"],
        "hands": [
            *(f"data.path={hands}", f"data.labels={students}", "data.group=student"),
            *("data.name=by-student", "data.image_size=224", "trainer.max_epochs=8"),
        ],
    }
    # At 224 pixels each of these is trained for a quarter of an hour.
    ladders = {"fashion": [], "hands": ["pruning.ratios=[0.3]"]}
    found = {}
    for name, settings in models.items():
        folder = work / name
        folder.mkdir(exist_ok=True)
        if not (folder / "registry").exists():
            _run(folder, "train", *settings, "run_dir=run", "registry=registry")
        for times in folder.glob("optimizations/*/times.json"):
            times.unlink()  # what was timed on a busy day is timed anew
        # Of the hands too few validate for half a point: what was seen to be within it is taken.
        accept = "accept_undecided=a benchmark"
        _run(folder, "optimize", "bundle=run", "registry=registry", accept, *ladders[name])
        (report,) = (folder / "optimizations").glob("*/report.json")
        found[name] = json.loads(report.read_text(encoding="utf-8"))
        _show(name, found[name])
    store("compression", {"models": found})


def _run(folder: Path, *command: str) -> None:
    """A command in a folder; 3 and 4 say that nothing was chosen, which the report tells too."""
    environment = {**os.environ, "MLOPSPROJ_CONFIG_DIR": str(ROOT / "configs")}
    code = subprocess.run(command, cwd=folder, env=environment, check=False).returncode
    if code not in {0, 3, 4}:
        sys.exit(f"{' '.join(command)} ended with {code}")


def _show(name: str, report: dict[str, Any]) -> None:
    """The chosen variant beside its goals, on as many threads as were timed at most."""
    chosen = next(
        (one for one in report["variants"] if one["name"] == report["choice"]["variant"]), None
    )
    if chosen is None:
        print(f"{name}: nothing was chosen: {report['choice']['reason']}")
        return
    print(f"{name}: {chosen['name']}, {report['choice']['reason']}")
    threads = max(case["threads"] for case in chosen["cases"])
    for case in chosen["cases"]:
        if case["threads"] != threads or case["batch"] not in {1, 32}:
            continue
        at = f"{case['batch']} image(s) on {threads} thread(s)"
        if "speedup_over_eager" in case:
            _ratio(f"  {at}, over eager PyTorch", case["speedup_over_eager"], EAGER)
        _ratio(f"  {at}, over fp32 in onnxruntime", case["speedup"], FP32)
    print(f"  size: {chosen['size_ratio']:.3f} (goal: at most {SIZE})")
    tested = report["test"]["comparison"]
    print(
        f"  on test: {100 * tested['difference']:+.2f} points ({100 * tested['low']:+.2f} to"
        f" {100 * tested['high']:+.2f}), {tested['images']:,} images, {tested['verdict']}"
    )


def _ratio(title: str, found: dict[str, float], goal: float) -> None:
    bounds = f"{found['low']:.2f} to {found['high']:.2f}, {found['rounds']} rounds"
    print(f"{title}: {found['median']:.2f} ({bounds}; goal: {goal:g})")


if __name__ == "__main__":
    main()
