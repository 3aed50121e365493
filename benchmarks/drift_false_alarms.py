"""How often a check alarms where nothing changed, beside the largest probability and Evidently.

On real held-out images: a reference of 5,000 of them, and windows of 100, 300 and 1,000 of the
50,000 others, drawn anew from other references, since every reference errs in its own way. Family-
wise: one alarm for a check, whatever its detectors; configured at 5 %.

Goal: the upper 95 % bound of the rate is at most 7.5 %. About ten minutes after the model is made.
Run: uv run --extra evidently python benchmarks/drift_false_alarms.py WORK_FOLDER
"""

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from drift.model import HeldOut, held_out
from drift.rivals import EvidentlyPreset, LargestProbability
from measurement import store
from mlopsproj_monitoring import DriftConfig, DriftDetector, Reference
from mlopsproj_monitoring.estimation import CorrectnessModel
from scipy.stats import beta

ALPHA: Final = 0.05
SIZES: Final = (100, 300, 1000)
REFERENCES: Final = 20
WINDOWS: Final = 100
"""Of each size, by reference: 2,000 in all."""

EVIDENTLY_WINDOWS: Final = 5
"""By reference and size: it takes a thousand times as long."""

ROWS: Final = 5000
GOAL: Final = 1.5 * ALPHA


@dataclass
class Tally:
    """Alarms of one detector at one size.

    Attributes:
        alarms: by reference.
        windows: that it was asked about.
    """

    alarms: list[int] = field(default_factory=list)
    windows: int = 0

    def count(self, alarms: list[bool]) -> None:
        """Of the windows of one reference."""
        self.alarms.append(sum(alarms))
        self.windows += len(alarms)

    def figures(self) -> dict[str, float]:
        """The rate and its one-sided upper 95 % bound (Clopper & Pearson)."""
        alarms = sum(self.alarms)
        upper = beta.ppf(0.95, alarms + 1, self.windows - alarms) if alarms < self.windows else 1.0
        by_reference = [count * len(self.alarms) / self.windows for count in self.alarms]
        return {
            "rate": alarms / self.windows,
            "upper": float(upper),
            "windows": self.windows,
            "lowest_reference": min(by_reference),
            "highest_reference": max(by_reference),
        }


def main() -> None:
    """Draw, check, print and store."""
    if len(sys.argv) != 2:  # noqa: PLR2004 (one argument)
        sys.exit("usage: python benchmarks/drift_false_alarms.py WORK_FOLDER")
    data = held_out(Path(sys.argv[1]).resolve())
    tallies: dict[tuple[str, int], Tally] = {}
    for number in range(REFERENCES):
        for key, alarms in _alarms(data, number).items():
            tallies.setdefault(key, Tally()).count(alarms)
        print(f"reference {number + 1} of {REFERENCES}", file=sys.stderr)
    found = {f"{name}, {size}": tally.figures() for (name, size), tally in tallies.items()}
    for title, one in found.items():
        print(
            f"{title} images: {one['rate']:.4f} (at most {one['upper']:.4f}; goal: {GOAL:g};"
            f" {one['windows']} windows, by reference {one['lowest_reference']:.2f} to"
            f" {one['highest_reference']:.2f})"
        )
    store("drift_false_alarms", {"alpha": ALPHA, "references": REFERENCES, "rates": found})


def _alarms(data: HeldOut, number: int) -> dict[tuple[str, int], list[bool]]:
    """Of each detector at each size, against one reference."""
    generator = np.random.default_rng(number)
    order = generator.permutation(len(data.images))
    reference = data.sample.take(order[:ROWS])
    others = order[ROWS:]
    detector = DriftDetector(
        Reference(data.bundle.manifest.name, data.bundle.manifest.classes, reference),
        DriftConfig(alpha=ALPHA, seed=number),
        correctness=CorrectnessModel.read(data.bundle).probability,
    )
    softmax = LargestProbability(reference, ALPHA)
    evidently = EvidentlyPreset(reference)
    found: dict[tuple[str, int], list[bool]] = {}
    for size in SIZES:
        for window_number in range(WINDOWS):
            window = data.sample.take(generator.choice(others, size, replace=False))
            check = detector.check(window)
            assert check.p_value is not None  # noqa: S101 (the windows are large enough)
            said = {
                "mlopsproj": check.verdict == "drift",
                "mlopsproj, whatever the effect": check.p_value <= ALPHA,
                softmax.name: softmax.alarms(window),
            }
            if window_number < EVIDENTLY_WINDOWS:
                preset, any_column = evidently.alarms(window)
                said |= {evidently.name: preset, f"{evidently.name}, any column": any_column}
            for name, alarm in said.items():
                found.setdefault((name, size), []).append(alarm)
    return found


if __name__ == "__main__":
    main()
