"""`times.json`: how fast the variants were, kept so that the same climb ends with the same choice.

To measure again, remove the file. Knows nothing of how they were timed.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from mlopsproj_core.bundle import MODEL, Bundle
from mlopsproj_core.cpu import available_cpus, cpu_name

from mlopsproj_train.optimizing.documents import write_document
from mlopsproj_train.optimizing.timing import Case
from mlopsproj_train.optimizing.workshop import Workshop

Times = tuple[list[Case], dict[str, str]]
"""The cases, and why PyTorch was not timed, by contender."""


def times_key(workshop: Workshop) -> str:
    """Hash of all that the times follow from: graphs, settings and machine."""
    facts = {
        "graphs": {
            name: Bundle.open(workshop.bundle(name)).manifest.files[MODEL]
            for name in workshop.standing
        },
        "timing": asdict(workshop.config.timing),
        "weights": workshop.parent.weights is not None,
        "cpu": [cpu_name(), available_cpus()],
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def read_times(path: Path, key: str) -> Times | None:
    """What was measured of the same; None where nothing was.

    Args:
        path: of the file.
        key: as `times_key` gives it.
    """
    try:
        values = json.loads(path.read_bytes())
        if values["key"] != key:
            return None
        cases = [
            Case(
                int(case["batch"]),
                int(case["threads"]),
                {name: (list(own), list(parent)) for name, (own, parent) in case["pairs"].items()},
            )
            for case in values["cases"]
        ]
        return cases, dict(values["torch"])
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def write_times(path: Path, key: str, cases: Sequence[Case], torch: dict[str, str]) -> None:
    """Keep what was measured, at once.

    Args:
        path: of the file.
        key: as `times_key` gives it.
        cases: all of them.
        torch: why PyTorch was not timed, by contender.
    """
    values = {"key": key, "cases": [asdict(case) for case in cases], "torch": torch}
    write_document(values, path)
