"""Whether it is known what a version was trained and tested on, and that the two are apart."""

import numpy as np
from mlopsproj_core.labelled import LabelledImages

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
    images = contest.find_test_images(summary.fingerprint) if contest.find_test_images else None
    fault = _fault(candidate) or _other_images(candidate, images)
    if fault:
        return GateResult(NAME, Verdict.failed, figure, LIMIT, fault)
    detail = (
        f"{len(candidate.scores):,} test images, {len(candidate.trained_on):,} trained or chosen on"
    )
    if contest.find_test_images is not None:
        detail += "; its data set is " + ("here" if images is not None else "not on this machine")
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


def _other_images(candidate: Side, images: LabelledImages | None) -> str | None:
    """How the evaluation differs from the test split that it is said to be of."""
    if images is None:
        return None
    evaluation = candidate.evaluation
    judged = dict(zip(evaluation.ids, evaluation.labels.tolist(), strict=True))
    split = dict(zip(images.ids, images.labels.tolist(), strict=True))
    strange, missing = len(judged.keys() - split.keys()), len(split.keys() - judged.keys())
    if strange or missing:
        return (
            f"{strange:,} images of its evaluation are none of the test split of its data set, and"
            f" {missing:,} of that were left out: judge it on that split"
        )
    relabelled = sum(judged[name] != label for name, label in split.items())
    if relabelled:
        return (
            f"{relabelled:,} images of its evaluation have other labels than in its data set:"
            " judge it again"
        )
    return None
