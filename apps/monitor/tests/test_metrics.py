from datetime import UTC, datetime

import msgspec
import pytest
from mlopsproj_core.registry import ModelVersion
from mlopsproj_monitor.metrics import METRICS, PREFIX, MonitorMetrics
from mlopsproj_records.drift_history import DriftCheckRecord
from prometheus_client.parser import text_string_to_metric_families

TIME = datetime(2026, 1, 31, 12, tzinfo=UTC)
RECORD = DriftCheckRecord(
    id="a",
    time=TIME,
    model="pets",
    version=3,
    verdict="drift",
    p_value=0.001,
    images=500,
    since=TIME,
    until=TIME,
    document={
        "labelled": 40,
        "estimated_accuracy": {"value": 0.8, "low": 0.7, "high": 0.9},
        "accuracy": None,
        "reference_accuracy": {"value": 0.9, "low": 0.8, "high": 1.0},
        "detectors": [{"name": "sharpness", "effect": 0.3, "p_value": 0.0001}],
    },
)


def samples(metrics):
    """Values by name and labels, without the prefix."""
    return {
        (sample.name.removeprefix(PREFIX), *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(metrics.render().decode())
        for sample in family.samples
    }


def test_a_check_is_counted_and_shown():
    metrics = MonitorMetrics()
    metrics.checked(RECORD, 0.2)
    found = samples(metrics)
    version = ("pets", "3")
    assert found["checks_total", "pets", "drift", "3"] == 1
    assert found["check_duration_seconds_count",] == 1
    assert found["drift", *version] == 1
    assert found["drift_p_value", *version] == 0.001
    assert found["last_check_timestamp_seconds", *version] == TIME.timestamp()
    assert found["estimated_accuracy_ratio", *version] == 0.8
    assert found["window_labelled_images", *version] == 40
    assert found["detector_effect", "sharpness", *version] == 0.3
    assert ("accuracy_ratio", *version) not in found


def test_without_a_verdict_the_last_one_is_not_shown_on():
    metrics = MonitorMetrics()
    metrics.show(RECORD)
    document = RECORD.document | {"detectors": [], "estimated_accuracy": None}
    metrics.show(
        msgspec.structs.replace(
            RECORD, verdict="not enough data", p_value=None, images=5, document=document
        )
    )
    found = samples(metrics)
    assert found["window_images", "pets", "3"] == 5
    gone = {"drift", "drift_p_value", "detector_effect", "estimated_accuracy_ratio"}
    assert not gone & {key[0] for key in found}


def test_a_version_that_is_watched_no_longer_is_shown_no_longer():
    metrics = MonitorMetrics()
    metrics.checked(RECORD, 0.2)
    metrics.watched(ModelVersion("pets", 4), last_prediction=TIME, created=None)
    metrics.keep_only({ModelVersion("pets", 4)})
    versions = {key[-1] for key in samples(metrics) if "pets" in key}
    assert versions == {"3", "4"}
    of_3 = [key[0] for key in samples(metrics) if key[-1] == "3"]
    assert of_3 == ["checks_total"]


@pytest.mark.parametrize("count", [1, 3])
def test_events_retrainings_and_requests_are_told(count):
    metrics = MonitorMetrics()
    for _ in range(count):
        metrics.events(delivered=2, failed=1, pending=5)
        metrics.retrainings({"waiting": 1, "done": 2})
        metrics.request(route="/v1/drift", method="GET", status=200, seconds=0.01)
        metrics.refused("key")
        metrics.check_failed("registry")
    found = samples(metrics)
    assert found["events_delivered_total",] == 2 * count
    assert found["event_failures_total",] == count
    assert found["events_pending",] == 5
    assert found["retrainings", "done"] == 2
    assert found["requests_total", "GET", "/v1/drift", "200"] == count
    assert found["refusals_total", "key"] == count
    assert found["check_failures_total", "registry"] == count


def test_the_page_has_the_metrics_of_the_table_and_no_others():
    families = text_string_to_metric_families(MonitorMetrics().render().decode())
    told = {
        family.name + ("_total" if family.type == "counter" else ""): family.type
        for family in families
    }
    assert told == {PREFIX + metric.name: metric.kind for metric in METRICS.values()}
