"""A measured robustness as JSON-ready values, with what detectors should see of each corruption.

Knows nothing of files.
"""

from typing import Any

from mlopsproj_evaluation.corruptions.catalogue import CORRUPTIONS
from mlopsproj_evaluation.corruptions.corruption import SEVERITIES
from mlopsproj_evaluation.robustness.outcomes import Robustness
from mlopsproj_evaluation.robustness.shifts import Shifts


def robustness_document(robustness: Robustness, shifts: Shifts) -> dict[str, Any]:
    """What `report.json` tells.

    Args:
        robustness: that was measured by this release.
        shifts: that watched it.

    Returns:
        Figures as `{value, low, high}` with 95 % intervals; those of severities 1 to 5 in their
        order, null where no image met one.
    """
    return {
        "images": len(robustness),
        "suite": robustness.suite,
        "seed": robustness.seed,
        "clean_accuracy": robustness.clean_accuracy.model_dump(),
        "corruption_accuracy": robustness.accuracy.model_dump(),
        "by_severity": [
            figure and figure.model_dump() for figure in map(robustness.by_severity.get, SEVERITIES)
        ],
        "corruptions": [_corruption(name, robustness, shifts) for name in robustness.corruptions],
    }


def _corruption(name: str, robustness: Robustness, shifts: Shifts) -> dict[str, Any]:
    corruption = CORRUPTIONS[name]
    at = [robustness.at(name, severity) for severity in SEVERITIES]
    return {
        "name": name,
        "family": corruption.family.value,
        "meaning": corruption.meaning,
        "accuracy": robustness.by_corruption[name].model_dump(),
        "by_severity": [figure and figure.model_dump() for figure in at],
        "signals": [signal.value for signal in corruption.signals],
        "shifts": {
            signal.value: [round(far, 4) for far in distances]
            for signal, distances in shifts.distances(name).items()
        },
        "seen_from": {signal.value: first for signal, first in shifts.seen_from(name).items()},
    }
