"""What a version must show before an alias moves to it, with the figure that each gate measured.

Three-valued: pass, fail, or undecided. Knows nothing of registries and of what follows from a
verdict.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from mlopsproj_core.bundle import EVALUATION, TRAINING_IDS, Bundle
from mlopsproj_core.errors import BundleCorruptError, BundleError
from mlopsproj_core.predictor import Predictor

from mlopsproj_evaluation.comparison import MARGIN, Comparison, Verdict, compare
from mlopsproj_evaluation.scores import Scores

PARITY_TOLERANCE: Final = 1e-4
"""Largest difference of a probability between a network and the graph exported from it; closer
than this, two classes tie."""


@dataclass(frozen=True)
class GateResult:
    """What one gate found.

    Attributes:
        name: of the gate.
        verdict: pass, fail or undecided.
        figure: that was measured, for people.
        limit: that it was held against, for people.
        detail: why, in a sentence.
    """

    name: str
    verdict: Verdict
    figure: str
    limit: str
    detail: str

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {**asdict(self), "verdict": self.verdict.value}


def judge(
    candidate: Bundle,
    champion: Bundle | None,
    *,
    champion_scores: Scores | None = None,
    margin: float = MARGIN,
) -> tuple[GateResult, ...]:
    """Judge a candidate by every gate.

    Args:
        candidate: that wants to take the place.
        champion: that holds it; None for the first version of a model.
        champion_scores: of the champion on the candidate's test images, where its own
            evaluation is of others.
        margin: loss of accuracy that is accepted, 0 to below 1.

    Raises:
        BundleCorruptError: if evaluation or training ids of either cannot be read.
        ConfigError: if the margin cannot be used.
    """
    whole = _bundle_gate(candidate)
    parity = _parity_gate(candidate)
    if whole.verdict is not Verdict.passed:
        return whole, parity
    return whole, parity, _accuracy_gate(candidate, champion, champion_scores, margin)


def overall(results: Iterable[GateResult]) -> Verdict:
    """Fail if a gate fails, else undecided if one is or there is none, else pass."""
    verdicts = {result.verdict for result in results} or {Verdict.undecided}
    for verdict in (Verdict.failed, Verdict.undecided):
        if verdict in verdicts:
            return verdict
    return Verdict.passed


def needs_new_scores(candidate: Bundle, champion: Bundle) -> bool:
    """Whether the champion was judged on other images than the candidate was."""
    ours = Scores.read(candidate.path / EVALUATION).ids
    theirs = Scores.read(champion.path / EVALUATION).ids
    return not set(ours) <= set(theirs)


def training_ids(bundle: Bundle) -> npt.NDArray[np.uint64]:
    """First eight bytes of the ids of the images that a bundle was trained or chosen on.

    Raises:
        BundleCorruptError: if they cannot be read.
    """
    path = bundle.path / TRAINING_IDS
    try:
        with path.open("rb") as file:
            found = np.lib.format.read_array(file, allow_pickle=False)
    except (OSError, ValueError, MemoryError) as error:
        raise BundleCorruptError(
            f"{path} cannot be read ({error}): fetch or publish the bundle again."
        ) from error
    if found.dtype != np.uint64 or found.ndim != 1:
        raise BundleCorruptError(
            f"{path} holds no list of uint64: fetch or publish the bundle again."
        )
    return np.asarray(found)


def _bundle_gate(candidate: Bundle) -> GateResult:
    files, limit = f"{len(candidate.manifest.files)} files", "all verified, probe answered"
    try:
        Predictor.load(candidate.path)
    except BundleError as error:
        return GateResult("bundle", Verdict.failed, files, limit, str(error))
    detail = "every file is what the manifest says, and the graph answers as expected here"
    return GateResult("bundle", Verdict.passed, files, limit, detail)


def _parity_gate(candidate: Bundle) -> GateResult:
    parity = candidate.manifest.parity
    limit = f"recorded, 0 other classes, within {PARITY_TOLERANCE:g} of torch"
    if parity is None or not parity.images:
        detail = "the graph was never held against what it was made from"
        return GateResult("parity", Verdict.failed, "none", limit, detail)
    figure = f"{parity.disagreements} of {parity.images:,}"
    detail = f"largest difference to {parity.reference}: {parity.max_difference:.1e}"
    # A compressed graph differs from its parent by intention: the accuracy gate judges how much.
    exported = parity.reference == "torch"
    far = exported and not parity.max_difference <= PARITY_TOLERANCE
    verdict = Verdict.failed if parity.disagreements or far else Verdict.passed
    return GateResult("parity", verdict, figure, limit, detail)


def _accuracy_gate(
    candidate: Bundle, champion: Bundle | None, champion_scores: Scores | None, margin: float
) -> GateResult:
    limit = f"at least {0.0 - 100 * margin:+.2f} points"
    scores = Scores.read(candidate.path / EVALUATION)
    if not len(scores):
        detail = "the evaluation holds no image"
        return GateResult("accuracy", Verdict.undecided, "none", limit, detail)
    accuracy = scores.correct.mean()
    if champion is None:
        detail = "the first version of this model: there is nothing to be worse than"
        return GateResult("accuracy", Verdict.passed, f"{accuracy:.4f}", limit, detail)
    if candidate.manifest.classes != champion.manifest.classes:
        detail = "the classes are others than the champion's: its accuracy cannot be compared"
        return GateResult("accuracy", Verdict.undecided, f"{accuracy:.4f}", limit, detail)
    if champion_scores is None:
        champion_scores = Scores.read(champion.path / EVALUATION)
    comparison = compare(
        scores,
        champion_scores,
        margin=margin,
        # Nobody is judged on what it has seen, the candidate no more than the champion.
        exclude_ids=np.union1d(training_ids(candidate), training_ids(champion)),
    )
    figure = (
        f"{100 * comparison.difference:+.2f} points"
        f" ({100 * comparison.low:+.2f} to {100 * comparison.high:+.2f})"
    )
    return GateResult("accuracy", comparison.verdict, figure, limit, _explain(comparison))


def _explain(comparison: Comparison) -> str:
    left_out = f"{comparison.excluded:,} left out, since one of both was trained on them"
    if not comparison.images and comparison.excluded:
        return f"no common test image counts ({left_out}): test on images that are new to both"
    if not comparison.images:
        return "no test image is common to both: score the champion on the candidate's test images"
    text = (
        f"on {comparison.images:,} images{f' ({left_out})' if comparison.excluded else ''},"
        f" {comparison.gained:,} right only by the candidate and {comparison.lost:,} only by the"
        " champion"
    )
    if comparison.verdict is not Verdict.undecided:
        return text
    if comparison.images_needed is None:
        return f"{text}; the difference lies on the margin itself"
    return f"{text}; about {comparison.images_needed:,} images would decide"
