"""What every benchmark ends with: ratios with their spread, printed and stored.

A figure is a ratio of two things measured in turn in one run, since the speed of a machine drifts.
"""

import json
import os
import platform
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from mlopsproj_core.cpu import cpu_name

RESULTS = Path(__file__).parent / "results"


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> dict[str, float]:
    """Median, smallest and largest ratio of the pairs."""
    pairs = [a / b for a, b in zip(ours, theirs, strict=True)]
    return {"median": median(pairs), "low": min(pairs), "high": max(pairs), "pairs": len(pairs)}


def show(title: str, ratio: dict[str, float], goal: str) -> None:
    """Print one ratio beside its goal."""
    spread = f"{ratio['low']:.3f} to {ratio['high']:.3f}, {ratio['pairs']} pairs"
    print(f"{title}: {ratio['median']:.3f} ({spread}; goal: {goal})")


def store(name: str, figures: dict[str, Any]) -> None:
    """Keep the figures beside the benchmarks, with commit, machine and date."""
    RESULTS.mkdir(exist_ok=True)
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
    )
    record = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit.stdout.strip() or None,
        "machine": {
            "cpu": cpu_name(),
            "cores": os.cpu_count(),
            "system": platform.system(),
            "python": platform.python_version(),
        },
        **figures,
    }
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    print(f"stored in {path}")
