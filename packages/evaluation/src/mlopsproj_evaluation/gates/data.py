"""Whether it is known what a version was trained and tested on, and that the two are apart."""

import numpy as np

from mlopsproj_evaluation.comparison import Verdict
from mlopsproj_evaluation.gates.contest import Contest, Side
from mlopsproj_evaluation.gates.result import GateResult

NAME = "data"
LIMIT = "recorded, counts agree, no test image trained on"

_TEST = "test"
_FINGERPRINT_DIGITS = 12


def judge_data(contest: Contest) -> GateResult:
    """Hold the manifest's summary of the data against the files, and test against training ids."""
    candidate = contest.candidate
    summary = candidate.bundle.manifest.data
    figure = f"{summary.name} {summary.fingerprint[:_FINGERPRINT_DIGITS]}".strip()
    fault = _fault(candidate)
    if fault:
        return GateResult(NAME, Verdict.failed, figure, LIMIT, fault)
    detail = (
        f"{len(candidate.scores):,} test images, {len(candidate.trained_on):,} trained or chosen on"
    )
    if contest.find_test_images is not None:
        found = contest.find_test_images(summary.fingerprint) is not None
        detail += f"; its data set is {'here' if found else 'not on this machine'}"
    return GateResult(NAME, Verdict.passed, figure, LIMIT, detail)


def _fault(candidate: Side) -> str | None:
    summary = candidate.bundle.manifest.data
    if not summary.fingerprint.strip():
        return "the manifest names no fingerprint: train on prepared data, which has one"
    leaked = int(np.isin(candidate.scores.short_ids, candidate.trained_on).sum())
    if leaked:
        return (
            f"{leaked:,} of the {len(candidate.scores):,} test images were trained or chosen on:"
            " test on others"
        )
    trained = sum(count for split, count in summary.counts.items() if split != _TEST)
    for what, said, held in (
        ("test images", summary.counts.get(_TEST, 0), len(candidate.scores)),
        ("trained or chosen on", trained, len(candidate.trained_on)),
    ):
        if said != held:
            return (
                f"{what}: the manifest counts {said:,} and the bundle holds {held:,}: make the"
                " bundle again from one data set"
            )
    return None
