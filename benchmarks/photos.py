"""How good a model of real photographs gets without a setting: signing hands, solar cells.

Hands ("Sign Language Digits Dataset", arXiv:2011.08927): `train data.path=FOLDER` on a random
split, and on one that keeps each student's ten photographs together. The difference is what a
random split flatters. A student is the file's number less the digit that it shows.
Solar cells (ELPV, Deitsch et al. 2019): experiment=solar_cells, with the extra `solar-cells`.

Goals: hands 0.97 on the random split in at most 8 minutes; solar cells in at most 10.
Run: uv run --extra solar-cells python benchmarks/photos.py HANDS_FOLDER
"""

import csv
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from measurement import store

_NUMBER = re.compile(r"(\d+)\.\w+$")


def main() -> None:
    """Train three models and print what they reach."""
    if len(sys.argv) != 2:  # noqa: PLR2004 (one argument)
        sys.exit("usage: python benchmarks/photos.py HANDS_FOLDER")
    hands = Path(sys.argv[1]).resolve()
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as scratch:
        students = Path(scratch) / "students.csv"
        write_students(hands, students)
        runs = {
            "hands, random split": [f"data.path={hands}"],
            "hands, split by student": [
                *(f"data.path={hands}", f"data.labels={students}"),
                *("data.group=student", "data.name=by-student"),
            ],
            "solar cells": ["experiment=solar_cells"],
        }
        for title, settings in runs.items():
            results[title] = train(title, settings, Path(scratch))
    store("photos", {"runs": results})


def write_students(folder: Path, table: Path) -> None:
    """A table of path, label and student for class folders of digits."""
    with table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "label", "student"])
        for path in sorted(folder.glob("[0-9]/*.*")):
            match = _NUMBER.search(path.name)
            if match is None:
                sys.exit(f"{path} has no number in its name: give the folder of the hands.")
            digit = path.parent.name
            writer.writerow([path.relative_to(folder), digit, int(match[1]) - int(digit)])


def train(title: str, settings: list[str], scratch: Path) -> dict[str, Any]:
    """One run of the command; accuracy with its interval, and the time of the whole command."""
    command = [
        *(str(Path(sys.executable).parent / "train"), "output=json", "logger=disabled"),
        *(f"data.prepared_dir={scratch}/prepared", f"registry={scratch}/registry"),
        *(f"run_dir={scratch}/{re.sub(r'[^a-z]+', '-', title)}", *settings),
    ]
    start = time.perf_counter()
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    seconds = time.perf_counter() - start
    summary = json.loads(answer.stdout)
    low, high = summary["accuracy_interval"]
    print(
        f"{title}: accuracy {summary['accuracy']:.4f} ({low:.4f} to {high:.4f}) on"
        f" {summary['test_images']:,} test images, {seconds:.0f} s in all,"
        f" {summary['train_seconds']:.0f} s of training"
    )
    kept = ("accuracy", "accuracy_interval", "test_images", "train_images", "epochs")
    return {
        "command_seconds": seconds,
        "train_seconds": summary["train_seconds"],
        **{key: summary[key] for key in kept},
    }


if __name__ == "__main__":
    main()
