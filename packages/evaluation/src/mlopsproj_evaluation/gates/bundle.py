"""Whether a bundle is whole, can be read, and answers on this machine as it should."""

from mlopsproj_core.bundle import Bundle
from mlopsproj_core.errors import BundleError
from mlopsproj_core.predictor import Predictor

from mlopsproj_evaluation.comparison import Verdict
from mlopsproj_evaluation.gates.contest import Side
from mlopsproj_evaluation.gates.result import GateResult

NAME = "bundle"
_LIMIT = "all verified, probe answered"


def judge_bundle(bundle: Bundle, name: str | None = None) -> tuple[GateResult, Side | None]:
    """Verify and probe a bundle, and read what it was judged and trained on.

    Args:
        bundle: that wants to take the place.
        name: `name:version`, where it has one.

    Returns:
        What was found, and the candidate; None if it is broken.
    """
    files = f"{len(bundle.manifest.files)} files"
    try:
        Predictor.load(bundle.path)
        side = Side.of(bundle, name=name)
    except BundleError as error:
        return GateResult(NAME, Verdict.failed, files, _LIMIT, str(error)), None
    detail = "every file is what the manifest says, and the graph answers as expected here"
    return GateResult(NAME, Verdict.passed, files, _LIMIT, detail), side


def broken_bundle(error: BundleError) -> GateResult:
    """The result for a bundle that cannot even be opened."""
    return GateResult(NAME, Verdict.failed, "broken", _LIMIT, str(error))
