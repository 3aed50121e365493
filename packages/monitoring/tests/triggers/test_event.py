from datetime import UTC, datetime
from uuid import UUID

from mlopsproj_monitoring.quality import share
from mlopsproj_monitoring.triggers import drift_event
from mlopsproj_monitoring.verdict import DetectorResult, DriftCheck
from mlopsproj_records import uuid7

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def detector(name, effect, *, drifted):
    return DetectorResult(
        name=name,
        family="univariate",
        statistic=1.0,
        effect=effect,
        effect_unit="KS",
        p_value=0.001,
        q_value=0.001,
        threshold=0.5,
        samples_needed=100,
        drifted=drifted,
    )


def test_the_event_of_a_check_tells_what_changed_in_short():
    check = DriftCheck(
        verdict="drift",
        p_value=0.0004,
        alpha=0.01,
        images=1000,
        labelled=0,
        reference_images=5000,
        detectors=(
            detector("brightness", 0.25, drifted=True),
            detector("contrast", 0.01, drifted=False),
        ),
        estimated_accuracy=share(700, 1000),
        accuracy=None,
        reference_accuracy=share(4600, 5000),
        changed=("the images are darker",),
    )
    id_ = uuid7()
    about = {"time": NOON, "model": "animals", "version": 3, "source": "sqlite:///log.db"}
    event = drift_event(check, id=id_, **about, since=NOON, until=NOON)
    assert event.id == UUID(id_)
    assert (event.type, event.model, event.version) == ("drift-detected", "animals", 3)
    assert event.data == {
        "changed": ["the images are darker"],
        "p_value": 0.0004,
        "effects": {"brightness": 0.25},
        "images": 1000,
        "since": "2026-01-01T12:00:00Z",
        "until": "2026-01-01T12:00:00Z",
        "estimated_accuracy": 0.7,
        "accuracy": None,
        "reference_accuracy": 0.92,
    }
