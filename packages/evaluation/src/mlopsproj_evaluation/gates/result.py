"""What a gate found, and what all of them say together. Knows no gate."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from mlopsproj_evaluation.comparison import Verdict


@dataclass(frozen=True)
class Finding:
    """What one gate found of two versions.

    Attributes:
        verdict: pass, fail or undecided.
        figure: that was measured, for people.
        detail: why, in a sentence.
    """

    verdict: Verdict
    figure: str
    detail: str


@dataclass(frozen=True)
class GateResult:
    """A line of the gate table.

    Attributes:
        name: of the gate.
        verdict: pass, fail, undecided, or off where it was not asked.
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


def overall(results: Iterable[GateResult]) -> Verdict:
    """Fail if a gate fails, else undecided if one is or none was asked, else pass."""
    verdicts = {result.verdict for result in results} - {Verdict.off} or {Verdict.undecided}
    for verdict in (Verdict.failed, Verdict.undecided):
        if verdict in verdicts:
            return verdict
    return Verdict.passed
