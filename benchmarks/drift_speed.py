"""What a check of the whole log costs: 10,000, 100,000 and 1,000,000 predictions in SQLite.

The command `monitor check` as a process of its own, on one window of all of them: seconds and
memory, start included; beside it what a user would write instead: the same rows by pandas into
Evidently's preset, on the four statistics of the image alone.

Goals: at most 60 s and 1 GB for 1,000,000; cost that grows linearly. A quarter of an hour.
Run: uv run --extra evidently python benchmarks/drift_speed.py WORK_FOLDER
"""

import json
import os
import resource
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any, Final

import numpy as np
from drift.model import HeldOut, held_out
from measurement import store
from mlopsproj_records import Database, PredictionRecord, uuid7

SIZES: Final = (10_000, 100_000, 1_000_000)
ROUNDS: Final = 3
RIVAL_SIZES: Final = (100_000,)
_AT_ONCE: Final = 5000
_SAID_NO: Final = 3

RIVAL: Final = """
import json, sys, pandas, sqlite3
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset
database, reference = sys.argv[1:]
columns = ["brightness", "contrast", "sharpness", "saturation"]
rows = pandas.read_sql("select statistics from prediction", sqlite3.connect(database))
window = pandas.DataFrame([json.loads(text) for text in rows["statistics"]])[columns]
definition = DataDefinition(numerical_columns=columns)
sets = [Dataset.from_pandas(frame, data_definition=definition)
        for frame in (window, pandas.read_parquet(reference)[columns])]
Report([DataDriftPreset()]).run(*sets)
"""


def main() -> None:
    """Fill, check, print and store."""
    if len(sys.argv) != 2:  # noqa: PLR2004 (one argument)
        sys.exit("usage: python benchmarks/drift_speed.py WORK_FOLDER")
    data = held_out(Path(sys.argv[1]).resolve())
    found: dict[str, Any] = {}
    for size in SIZES:
        path = data.work / f"log-{size}.db"
        if not path.exists():
            _fill(data, path, size)
        found[str(size)] = _checked(data, path, size)
        _show(size, found[str(size)])
    growth = found[str(SIZES[-1])]["seconds"] / found[str(SIZES[-2])]["seconds"]
    print(f"ten times the predictions take {growth:.1f} times as long")
    store("drift_speed", {"checks": found, "growth": growth})


def _fill(data: HeldOut, path: Path, size: int) -> None:
    """Answers of the model, written as the service writes them."""
    draft = path.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    sample, classes = data.sample, data.bundle.manifest.classes
    rows = np.random.default_rng(0).integers(len(sample), size=size)
    begun = datetime.now(UTC) - timedelta(seconds=size)
    with Database(f"sqlite:///{draft}") as database:
        for start in range(0, size, _AT_ONCE):
            records = []
            for number, row in enumerate(rows[start : start + _AT_ONCE].tolist(), start):
                probabilities = sample.probabilities[row]
                first = int(probabilities.argmax())
                records.append(
                    PredictionRecord(
                        id=uuid7(),
                        time=begun + timedelta(seconds=number),
                        model=data.bundle.manifest.name,
                        version=1,
                        top_k=((classes[first], float(probabilities[first])),),
                        probabilities=probabilities.astype("<f4").tobytes(),
                        embedding=sample.embedding[row].astype("<f2").tobytes(),
                        ood_score=float(sample.ood_score[row]),
                        statistics={
                            "mode": "L",
                            **{name: float(v[row]) for name, v in sample.statistics.items()},
                            "width": 28,
                            "height": 28,
                        },
                        latency_ms={"queue": 0.1, "decode": 0.5, "infer": 1.0},
                        request_id=str(number),
                        image_sha256=sample.ids[row],
                    )
                )
            assert not database.insert(records)  # noqa: S101 (they are ours)
    draft.rename(path)


def _checked(data: HeldOut, path: Path, size: int) -> dict[str, Any]:
    folder = Path(sys.executable).parent
    command = [
        *(str(folder / "monitor"), "check", "--json", "--model", data.bundle.manifest.name),
        *("--window-images", str(size)),
    ]
    environment = {
        **os.environ,
        "MLOPSPROJ_REGISTRY_URL": str(data.work / "registry"),
        "MLOPSPROJ_DATABASE_URL": f"sqlite:///{path}",
    }
    runs = [_run(command, environment) for _ in range(ROUNDS)]
    found = {
        "seconds": median(run["seconds"] for run in runs),
        "seconds_low": min(run["seconds"] for run in runs),
        "seconds_high": max(run["seconds"] for run in runs),
        "cpu_seconds": median(run["cpu_seconds"] for run in runs),
        "megabytes": max(run["megabytes"] for run in runs),
        "rounds": ROUNDS,
    }
    if size in RIVAL_SIZES:
        reference = data.bundle.path / "reference.parquet"
        rival = [sys.executable, "-W", "ignore", "-c", RIVAL, str(path), str(reference)]
        others = [_run(rival, dict(os.environ)) for _ in range(ROUNDS)]
        found["evidently_seconds"] = median(run["seconds"] for run in others)
        found["evidently_megabytes"] = max(run["megabytes"] for run in others)
    return found


def _run(command: list[str], environment: dict[str, str]) -> dict[str, float]:
    """Seconds by the clock, seconds of all cores, and the most memory of a process."""
    begun = time.perf_counter()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None  # noqa: S101 (it is a pipe)
    answer = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - begun
    code = os.waitstatus_to_exitcode(status)
    if code not in {0, _SAID_NO}:
        sys.exit(f"{' '.join(command[:3])} ended with {code}")
    if "check" in command:
        json.loads(answer)
    return {
        "seconds": seconds,
        "cpu_seconds": used.ru_utime + used.ru_stime,
        "megabytes": _megabytes(used),
    }


def _megabytes(used: resource.struct_rusage) -> float:
    return used.ru_maxrss / 1024  # kilobytes on Linux


def _show(size: int, found: dict[str, Any]) -> None:
    beside = (
        f"; pandas and Evidently {found['evidently_seconds']:.1f} s,"
        f" {found['evidently_megabytes']:.0f} MB"
        if "evidently_seconds" in found
        else ""
    )
    print(
        f"{size:,} predictions: {found['seconds']:.1f} s ({found['seconds_low']:.1f} to"
        f" {found['seconds_high']:.1f}), {found['cpu_seconds']:.1f} of a core,"
        f" {found['megabytes']:.0f} MB{beside}"
    )


if __name__ == "__main__":
    main()
