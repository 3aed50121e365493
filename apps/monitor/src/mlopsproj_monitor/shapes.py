"""The shapes of v1 of the monitor: what is answered, field by field. v1 never changes a field.

Knows nothing of routes, nor of how an answer came about.
"""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from mlopsproj_core.errors import RecordsError
from mlopsproj_records.drift_history import DriftCheckRecord
from mlopsproj_records.retraining import Retraining as RetrainingRecord
from msgspec import Meta

Model = Annotated[str, Meta(description="Name of the model.")]
Version = Annotated[int, Meta(description="Its version.", ge=1)]
Share = Annotated[float, Meta(description="0 to 1.", ge=0, le=1)]


class Interval(msgspec.Struct, frozen=True):
    """A share with its 95 % interval."""

    value: Share
    low: Share
    high: Share


class Detector(msgspec.Struct, frozen=True):
    """What one detector says of a window."""

    name: Annotated[str, Meta(description="Of what it looks at.")]
    family: Annotated[
        str,
        Meta(description="`univariate`, `embedding`, `prediction`, `ood` or `quality`."),
    ]
    statistic: Annotated[float, Meta(description="That was tested.")]
    effect: Annotated[float, Meta(description="How large it is, for people.")]
    effect_unit: Annotated[str, Meta(description="Of the effect.")]
    p_value: Annotated[float, Meta(description="Of this detector by itself.", ge=0, le=1)]
    q_value: Annotated[
        float | None,
        Meta(description="With the false-discovery rate held over the univariate family; or null."),
    ]
    threshold: Annotated[
        float | None,
        Meta(description="Statistic from which on it is drift, at this size of window; or null."),
    ]
    samples_needed: Annotated[
        int | None,
        Meta(description="Images that show such an effect four times in five; null if none do."),
    ]
    drifted: Annotated[bool, Meta(description="Whether it is a reason of the verdict.")]


class Check(msgspec.Struct, frozen=True):
    """A check of a version."""

    id: Annotated[str, Meta(description="Of the check, a UUID; its event has the same.")]
    time: Annotated[datetime, Meta(description="When it was made, in UTC.")]
    model: Model
    version: Version
    verdict: Annotated[str, Meta(description="`drift`, `no drift` or `not enough data`.")]
    p_value: Annotated[
        float | None,
        Meta(description="Chance of so much difference without drift; null without a verdict."),
    ]
    alpha: Annotated[float, Meta(description="At which it is drift.")]
    images: Annotated[int, Meta(description="In the window.", ge=0)]
    labelled: Annotated[int, Meta(description="Of these, how many have their true label.", ge=0)]
    since: Annotated[
        datetime | None, Meta(description="Of the window's first image; null without images.")
    ]
    until: Annotated[datetime | None, Meta(description="Of its last image.")]
    reference_images: Annotated[int, Meta(description="That it was held against.", ge=0)]
    estimated_accuracy: Annotated[
        Interval | None, Meta(description="On the window, without labels; null if it is not known.")
    ]
    accuracy: Annotated[
        Interval | None, Meta(description="On the labelled images; null if there are none.")
    ]
    reference_accuracy: Annotated[
        Interval | None, Meta(description="On the reference; null if it is not known.")
    ]
    changed: Annotated[
        list[str], Meta(description="What has changed, in words, the strongest first.")
    ]
    notes: Annotated[list[str], Meta(description="What a person should know of the window.")]
    detectors: Annotated[list[Detector], Meta(description="What each says.")]


class WatchedVersion(msgspec.Struct, frozen=True):
    """A version, and its latest check."""

    model: Model
    version: Version
    alias: Annotated[
        str | None,
        Meta(description="That points at it; null for one that only answered lately."),
    ]
    last_prediction: Annotated[
        datetime | None, Meta(description="Of it in the log; null if there is none, or unknown.")
    ]
    problem: Annotated[
        str | None, Meta(description="Why it cannot be checked at the moment; or null.")
    ]
    check: Annotated[Check | None, Meta(description="Its latest; null if there is none.")]


class Drift(msgspec.Struct, frozen=True):
    """The versions that are watched."""

    versions: Annotated[
        list[WatchedVersion], Meta(description="The one that the alias points at first.")
    ]


class History(msgspec.Struct, frozen=True):
    """Checks, the newest first."""

    checks: list[Check]
    before: Annotated[
        str | None,
        Meta(description="Give it as `before` to see older ones; null if there are none."),
    ]


class Retraining(msgspec.Struct, frozen=True):
    """A retraining, as far as it has come."""

    id: Annotated[str, Meta(description="Of the retraining, a UUID.")]
    event_id: Annotated[str, Meta(description="Of the event that it follows from.")]
    time: Annotated[datetime, Meta(description="When it was requested, in UTC.")]
    model: Model
    version: Version
    how: Annotated[str, Meta(description="What is done.")]
    state: Annotated[
        str,
        Meta(description="`waiting`, `approved`, `declined`, `started`, `done` or `failed`."),
    ]
    actor: Annotated[str | None, Meta(description="Who decided; null before.")]
    reason: Annotated[str | None, Meta(description="That was given; or null.")]
    decided: Annotated[datetime | None, Meta(description="When; null before.")]
    started: Annotated[datetime | None, Meta(description="When; null before.")]
    finished: Annotated[datetime | None, Meta(description="When; null before.")]
    detail: Annotated[str | None, Meta(description="What is to be said of it; or null.")]


class Retrainings(msgspec.Struct, frozen=True):
    """Retrainings, the newest first."""

    retrainings: list[Retraining]


class Decision(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why somebody decides."""

    reason: (
        Annotated[str, Meta(description="Told with the retraining.", max_length=2000)] | None
    ) = None


def check_of(record: DriftCheckRecord) -> Check:
    """A check as it is answered.

    Raises:
        RecordsError: if what the database holds is no check of this release.
    """
    columns: dict[str, Any] = {name: getattr(record, name) for name in record.__struct_fields__}
    document = columns.pop("document")
    try:
        return msgspec.convert(document | columns, Check)
    except msgspec.ValidationError as error:
        raise RecordsError(
            f"The check {record.id} in the database cannot be read ({error}): it was written by"
            " another release or program."
        ) from error


def retraining_of(record: RetrainingRecord) -> Retraining:
    """A retraining as it is answered."""
    return Retraining(**{name: getattr(record, name) for name in Retraining.__struct_fields__})
