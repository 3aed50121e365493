"""How often a check sees a shift, how soon on a ramp, beside the largest probability and Evidently.

Every corruption at every severity, in windows of 100, 300 and 1,000 images; then each corruption
ramping from none to severity 5 over 3,000 images, looked at every 50 images by a window of 300: how
many images after (or before) accuracy has fallen by 5 points the alarm comes: the accuracy of the
image that comes next, and that of the window that is looked at. At an alpha of 5 %,
and at the default of 1 %; and on streams where nothing changes, since who looks often alarms by
chance, too.

Goal: no later than that in at least 90 % of the cases. Twenty minutes after the model is made.
Run: uv run --extra evidently python benchmarks/drift_power.py WORK_FOLDER
"""

import sys
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from drift.model import HeldOut, held_out
from drift.ramps import IMAGES, WINDOW, Ramp, first_alarm
from drift.rivals import EvidentlyPreset, LargestProbability
from measurement import store
from mlopsproj_evaluation.corruptions.catalogue import CORRUPTIONS
from mlopsproj_evaluation.corruptions.corruption import SEVERITIES
from mlopsproj_monitoring import DriftConfig, DriftDetector, Reference, Sample
from mlopsproj_monitoring.estimation import CorrectnessModel

ALPHA: Final = 0.05
SIZES: Final = (100, 300, 1000)
WINDOWS: Final = 40
EVIDENTLY_WINDOWS: Final = 3
ROWS: Final = 5000
SPOILT: Final = 3000
"""Held-out images that are spoilt in every way; none is in the reference."""

OURS: Final = {"mlopsproj": ALPHA, "mlopsproj at 1 %": 0.01}
RAMPED: Final = (*OURS, LargestProbability.name)

STREAMS: Final = 6
"""Of each corruption."""

CLEAN_STREAMS: Final = 40

GOAL: Final = 0.9


class Watchers:
    """Who looks at the same windows."""

    def __init__(self, data: HeldOut, reference: Sample) -> None:
        """Against one reference."""
        manifest = data.bundle.manifest
        self._detectors = {
            name: DriftDetector(
                Reference(manifest.name, manifest.classes, reference),
                DriftConfig(alpha=alpha),
                correctness=CorrectnessModel.read(data.bundle).probability,
            )
            for name, alpha in OURS.items()
        }
        self._softmax = LargestProbability(reference, ALPHA)
        self._evidently = EvidentlyPreset(reference)

    def alarms(self, window: Sample, *, evidently: bool) -> dict[str, bool]:
        """Of each by its name."""
        found = {name: self._ours(name, window) for name in OURS}
        found[self._softmax.name] = self._softmax.alarms(window)
        if evidently:
            found[self._evidently.name] = self._evidently.alarms(window)[0]
        return found

    def first_alarms(self, stream: Sample) -> dict[str, int | None]:
        """Images of a ramp that had come when each alarmed first."""
        found = {name: first_alarm(stream, partial(self._ours, name)) for name in OURS}
        found[self._softmax.name] = first_alarm(stream, self._softmax.alarms)
        return found

    def _ours(self, name: str, window: Sample) -> bool:
        return self._detectors[name].check(window).verdict == "drift"


def main() -> None:
    """Measure both, print and store."""
    if len(sys.argv) != 2:  # noqa: PLR2004 (one argument)
        sys.exit("usage: python benchmarks/drift_power.py WORK_FOLDER")
    data = held_out(Path(sys.argv[1]).resolve())
    order = np.random.default_rng(0).permutation(len(data.images))
    watchers = Watchers(data, data.sample.take(order[:ROWS]))
    rows = order[ROWS : ROWS + SPOILT]
    clean = data.sample.take(order[ROWS + SPOILT :])
    power: dict[str, Any] = {}
    delays: dict[str, Any] = {}
    for name in CORRUPTIONS:
        spoilt = {severity: data.corrupted(rows, name, severity) for severity in SEVERITIES}
        power[name] = {str(s): _power(watchers, sample) for s, sample in spoilt.items()}
        delays[name] = _delays(watchers, data.sample.take(rows), spoilt, clean)
        _show(name, power[name], delays[name])
    store(
        "drift_power",
        {
            "alpha": ALPHA,
            "power": power,
            "delays": delays,
            "in_time": _in_time(delays, _quiet_streams(watchers, clean)),
        },
    )


def _power(watchers: Watchers, sample: Sample) -> dict[str, Any]:
    """Share of windows that each watcher alarms at, by size; and the accuracy there."""
    generator = np.random.default_rng(1)
    found: dict[str, Any] = {"accuracy": _accuracy(sample)}
    for size in SIZES:
        said: dict[str, list[bool]] = {}
        for number in range(WINDOWS):
            window = sample.take(generator.choice(len(sample), size, replace=False))
            alarms = watchers.alarms(window, evidently=number < EVIDENTLY_WINDOWS)
            for name, alarm in alarms.items():
                said.setdefault(name, []).append(alarm)
        found[str(size)] = {name: sum(each) / len(each) for name, each in said.items()}
    return found


def _delays(
    watchers: Watchers, before: Sample, spoilt: dict[int, Sample], clean: Sample
) -> dict[str, Any]:
    """Images from the fall of accuracy to the alarm; None where there was no alarm."""
    ramp = Ramp([_accuracy(each) for each in (before, *spoilt.values())])
    found: dict[str, Any] = {"fall_at": ramp.fall_at, "window_fall_at": ramp.window_fall_at}
    if ramp.fall_at is None:
        return found
    for number in range(STREAMS):
        stream = ramp.stream(before, spoilt, clean, seed=number)
        for name, alarm_at in watchers.first_alarms(stream).items():
            delay = None if alarm_at is None else alarm_at - ramp.fall_at
            found.setdefault(name, []).append(delay)
    return found


def _quiet_streams(watchers: Watchers, clean: Sample) -> list[dict[str, int | None]]:
    """When each watcher alarms first where nothing changes."""
    found = []
    for number in range(CLEAN_STREAMS):
        generator = np.random.default_rng(1000 + number)
        rows = generator.choice(len(clean), WINDOW + IMAGES, replace=False)
        found.append(watchers.first_alarms(clean.take(rows)))
    return found


def _accuracy(sample: Sample) -> float:
    right: npt.NDArray[np.bool_] = sample.probabilities.argmax(axis=1) == sample.label_numbers
    return float(right.mean())


def _in_time(
    delays: dict[str, Any], quiet: list[dict[str, int | None]]
) -> dict[str, dict[str, float]]:
    """Share of the cases in which the alarm came no later than the fall of accuracy.

    Args:
        delays: of each corruption.
        quiet: first alarms where nothing changed: how often one would have come in time by chance.
    """
    fallen = [one for one in delays.values() if one["fall_at"] is not None]
    falls = [one["fall_at"] for one in fallen]
    found = {}
    for name in RAMPED:
        cases = [(one, delay) for one in fallen for delay in one[name]]
        share = sum(delay is not None and delay <= 0 for _, delay in cases) / len(cases)
        alarms = [at for one in quiet if (at := one[name]) is not None]
        by_chance = sum(at <= fall for at in alarms for fall in falls) / (len(quiet) * len(falls))
        of_window = sum(map(_before_window_fell, cases)) / len(cases)
        found[name] = {
            "share": share,
            "share_of_window": of_window,
            "cases": len(cases),
            "by_chance": by_chance,
        }
        print(
            f"{name}: in time in {share:.3f} of {len(cases)} cases (goal: {GOAL:g}), before the"
            f" window's own accuracy fell in {of_window:.3f}; where nothing changes it would alarm"
            f" until then in {by_chance:.3f}"
        )
    return found


def _before_window_fell(case: tuple[dict[str, Any], int | None]) -> bool:
    one, delay = case
    if delay is None:
        return False
    return one["window_fall_at"] is None or one["fall_at"] + delay <= one["window_fall_at"]


def _show(name: str, power: dict[str, Any], delays: dict[str, Any]) -> None:
    print(name)
    for severity, found in power.items():
        shares = "; ".join(
            f"{size}: " + ", ".join(f"{who} {share:.2f}" for who, share in found[str(size)].items())
            for size in SIZES
        )
        print(f"  severity {severity}, accuracy {found['accuracy']:.3f}: {shares}")
    for who in RAMPED:
        said = [delay for delay in delays.get(who, ()) if delay is not None]
        missed = len(delays.get(who, ())) - len(said)
        if said or missed:
            middle = f"{median(said):+.0f}" if said else "none"
            print(f"  {who}: alarm {middle} images after the fall, {missed} streams without")


if __name__ == "__main__":
    main()
