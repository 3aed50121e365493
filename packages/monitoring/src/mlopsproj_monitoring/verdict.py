"""The answer of a check. Knows nothing of how it was found."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final, Literal

from mlopsproj_monitoring.detectors.detector import Family
from mlopsproj_monitoring.quality import Share

Verdict = Literal["drift", "no drift", "not enough data"]

SCHEMA: Final = 1
"""Of the document."""


@dataclass(frozen=True, slots=True)
class DetectorResult:
    """What one detector says.

    Attributes:
        name: of what it looks at.
        family: that it belongs to.
        statistic: that was tested.
        effect: its size for people, in `effect_unit`.
        effect_unit: e.g. "total variation".
        p_value: of this detector by itself.
        q_value: with the false-discovery rate held over the univariate family; None for others.
        threshold: the statistic from which on it would be drift in a window of this size; None
            where there is no one such statistic.
        samples_needed: images in the smallest window in which an effect as large as this one, or
            as the smallest that counts, is seen four times in five; None if no window suffices.
        drifted: whether the check says drift and this is a reason.
    """

    name: str
    family: Family
    statistic: float
    effect: float
    effect_unit: str
    p_value: float
    q_value: float | None
    threshold: float | None
    samples_needed: int | None
    drifted: bool


@dataclass(frozen=True, slots=True)
class DriftCheck:
    """What all detectors say together.

    Attributes:
        verdict: "drift", "no drift" or "not enough data".
        p_value: chance of so much difference without drift, over all detectors; None without
            enough data.
        alpha: at which it is drift.
        images: of the window.
        labelled: how many of them have their true labels.
        reference_images: of the reference.
        detectors: what each says; none without enough data.
        estimated_accuracy: of the window, from the chance of each answer to be right; None without
            an estimator.
        accuracy: of the images that have their true labels; None if none has.
        reference_accuracy: of the reference.
        changed: what changed, the strongest first, in words; none unless it is drift.
        since: time of the window's first prediction; None where it is not of the log.
        until: time of its last.
        notes: what a person should know about the window.
    """

    verdict: Verdict
    p_value: float | None
    alpha: float
    images: int
    labelled: int
    reference_images: int
    detectors: tuple[DetectorResult, ...]
    estimated_accuracy: Share | None
    accuracy: Share | None
    reference_accuracy: Share
    changed: tuple[str, ...]
    since: datetime | None = None
    until: datetime | None = None
    notes: tuple[str, ...] = ()

    def to_document(self) -> dict[str, Any]:
        """JSON-ready, with the number of its schema; keys are the attributes."""
        document = asdict(self)
        for name in ("detectors", "changed", "notes"):
            document[name] = list(document[name])
        for name in ("since", "until"):
            time = document[name]
            document[name] = None if time is None else time.isoformat()
        return {"schema": SCHEMA, **document}
