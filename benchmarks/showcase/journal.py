"""What is noted while the showcase runs, for the table, the figure and the results.

Knows nothing of commands and services.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from mlopsproj_monitoring.quality import Share, share

from showcase.service import Answer


def accuracy(answers: Sequence[Answer]) -> Share:
    """Share of answers that are right, with its 95 % interval."""
    return share(sum(answer.correct for answer in answers), len(answers))


def read_share(document: dict[str, float]) -> Share:
    """From JSON."""
    return Share(document["value"], document["low"], document["high"])


def percent(found: Share | None) -> str:
    """A share for people."""
    if found is None:
        return "none"
    return f"{100 * found.value:.1f} % ({100 * found.low:.1f} to {100 * found.high:.1f})"


@dataclass(frozen=True)
class Point:
    """One check of one window.

    Attributes:
        images: that the service had answered.
        window: images that were looked at.
        version: that answered them.
        verdict: of the monitor.
        p_value: of the check; None without enough data.
        alpha: below which it is drift.
        accuracy: true share of right answers, which the monitor did not know.
        estimate: what the monitor thought of it.
        reference_accuracy: on the images that the version was tested on.
        changed: what changed, as the monitor says it.
    """

    images: int
    window: int
    version: int
    verdict: str
    p_value: float | None
    alpha: float
    accuracy: float
    estimate: Share | None
    reference_accuracy: float
    changed: tuple[str, ...]


@dataclass(frozen=True)
class Phase:
    """A part of the stream.

    Attributes:
        cells: which were sent.
        first: images that had been answered before.
        last: images that had been answered at its end.
        version: of the model that answered.
    """

    cells: str
    first: int
    last: int
    version: int


@dataclass(frozen=True)
class Event:
    """Something that was done between two images.

    Attributes:
        images: that had been answered.
        what: in a few words.
    """

    images: int
    what: str


@dataclass(frozen=True)
class Expectation:
    """Something that had to happen.

    Attributes:
        what: in words.
        found: what was seen.
        happened: whether it did.
    """

    what: str
    found: str
    happened: bool


@dataclass
class Journal:
    """Everything that is noted, in its order."""

    points: list[Point] = field(default_factory=list)
    phases: list[Phase] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    expectations: list[Expectation] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)

    def expect(self, what: str, *, happened: bool, found: object) -> None:
        """Note whether something happened, and say so."""
        self.expectations.append(Expectation(what, str(found), happened))
        print(f"{'ok  ' if happened else 'FAIL'} {what}: {found}", flush=True)

    @property
    def failed(self) -> list[str]:
        """What had to happen and did not."""
        return [each.what for each in self.expectations if not each.happened]

    def document(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)
