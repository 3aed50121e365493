"""What must be true of the answers and checks, and whether it is.

Knows nothing of how they came about.
"""

from collections.abc import Sequence
from statistics import fmean

from mlopsproj_monitoring.quality import share

from showcase.cells import NEW, OWN
from showcase.journal import Journal, Point, accuracy, percent
from showcase.service import Answer

_FALL, _RISE, _KEPT = 0.15, 0.10, 0.05
"""Points of accuracy, 0 to 1: what the new cells cost at least, in truth and by the estimate, what
the new labels give back at least, and what they may cost on the cells of old."""


def judge_drift(journal: Journal, own: Sequence[Answer], new: Sequence[Answer]) -> None:
    """Of the first model: quiet on the cells that it knows, alarm on those that it does not.

    Args:
        journal: with the checks so far.
        own: answers for monocrystalline cells.
        new: answers for polycrystalline cells, after them.
    """
    before = [point for point in journal.points if point.images <= len(own)]
    after = [point for point in journal.points if point.images > len(own)]
    alarms = [point for point in after if point.verdict == "drift"]
    journal.expect(
        "the monitor is quiet on monocrystalline cells",
        happened=all(point.verdict == "no drift" for point in before),
        found=", ".join(f"p={point.p_value:.3f}" for point in before),
    )
    journal.expect(
        "it alarms at the first window of polycrystalline cells, and at each after it",
        happened=len(alarms) == len(after),
        found=f"{len(alarms)} of {len(after)}",
    )
    named = alarms[0].changed if alarms else ()
    journal.expect("it names what changed", happened=bool(named), found="; ".join(named[:4]))
    known, fallen = accuracy(own), accuracy(new)
    journal.expect(
        "accuracy falls",
        happened=fallen.value <= known.value - _FALL,
        found=f"{percent(known)} on {len(own)} mono, {percent(fallen)} on {len(new)} poly",
    )
    first, last = _estimated(before), _estimated(after)
    journal.expect(
        "its fall is estimated, without a label",
        happened=last <= first - _FALL,
        found=f"estimated {100 * first:.1f} %, then {100 * last:.1f} %",
    )
    journal.figures |= {"mono_before": known, "poly_before": fallen}
    journal.figures |= {"mono_estimated": first, "poly_estimated": last}


def judge_recovery(
    journal: Journal, own: Sequence[Answer], new: Sequence[Answer], later: Sequence[Answer]
) -> None:
    """Of the second model: better on cells that it knows no more than the first did.

    Args:
        journal: with all checks.
        own: answers of the first model for monocrystalline cells.
        new: answers of the first model for polycrystalline cells.
        later: answers of the second model for cells of both, none of which it was trained on.
    """
    poly = [answer for answer in later if answer.cell.module == NEW]
    mono = [answer for answer in later if answer.cell.module == OWN]
    before, after = accuracy(new), accuracy(poly)
    journal.expect(
        "accuracy on polycrystalline cells recovers",
        happened=after.value >= before.value + _RISE,
        found=f"{percent(before)} before, {percent(after)} on {len(poly)} others",
    )
    asked = {answer.cell.path for answer in own}
    again = [answer for answer in mono if answer.cell.path in asked]
    same = {answer.cell.path for answer in again}
    once = [answer for answer in own if answer.cell.path in same]
    journal.expect(
        f"that on monocrystalline cells stays, within {100 * _KEPT:.0f} points",
        happened=accuracy(again).value >= accuracy(once).value - _KEPT,
        found=f"{percent(accuracy(once))} before, {percent(accuracy(again))} on the same"
        f" {len(again)}, {percent(accuracy(mono))} on all {len(mono)}",
    )
    checks = [point for point in journal.points if point.version == later[0].version]
    quiet = sum(point.verdict == "no drift" for point in checks)
    journal.expect(
        "the monitor is quiet again, by the new model's reference",
        happened=quiet == len(checks),
        found=", ".join(f"p={point.p_value:.3f}" for point in checks),
    )
    journal.figures |= {
        "poly_after": after,
        "mono_after": accuracy(mono),
        "mono_before_same": accuracy(once),
        "mono_after_same": accuracy(again),
        "both_after": share(sum(answer.correct for answer in later), len(later)),
    }


def _estimated(points: Sequence[Point]) -> float:
    """Mean over checks; 1 where nothing was estimated."""
    return fmean(1.0 if point.estimate is None else point.estimate.value for point in points)
