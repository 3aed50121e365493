"""Whether the candidate knows less well than the version in place how sure it may be."""

import numpy as np

from mlopsproj_evaluation.calibration_comparison import FEWEST_IMAGES, compare_calibration
from mlopsproj_evaluation.comparison import Verdict
from mlopsproj_evaluation.gates.contest import Side
from mlopsproj_evaluation.gates.gate import ImageGate
from mlopsproj_evaluation.gates.limits import GateLimits
from mlopsproj_evaluation.gates.result import Finding
from mlopsproj_evaluation.metrics import expected_calibration_error
from mlopsproj_evaluation.pairs import Pairs


def _limit(limits: GateLimits) -> str:
    return f"at most {limits.calibration_margin:+.3f}"


def _alone(candidate: Side) -> str:
    ones = np.ones((1, len(candidate.scores)))
    return f"{expected_calibration_error(candidate.scores, ones)[0]:.4f}"


def _against(limits: GateLimits, pairs: Pairs, _classes: tuple[str, ...]) -> Finding:
    found = compare_calibration(pairs, limit=limits.calibration_margin)
    figure = f"{found.difference:+.4f} ({found.low:+.4f} to {found.high:+.4f})"
    detail = (
        f"expected calibration error {found.candidate:.4f} beside {found.champion:.4f} on"
        f" {found.images:,} images"
    )
    if found.verdict is Verdict.undecided and found.images < FEWEST_IMAGES:
        detail += f"; fewer than {FEWEST_IMAGES} tell nothing"
    elif found.verdict is Verdict.undecided:
        detail += "; more images would decide"
    return Finding(found.verdict, figure, detail)


GATE = ImageGate("calibration", _limit, _alone, _against)
