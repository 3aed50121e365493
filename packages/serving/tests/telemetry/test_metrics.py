import re
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
from mlopsproj_serving.telemetry.metrics import METRICS, PREFIX, Metrics
from prometheus_client.parser import text_string_to_metric_families

LATENCY_MS = {"queue": 0.2, "decode": 3.0, "infer": 7.0, "log": 0.4, "total": 11.0}


def read(metrics):
    """All numbers: `{(name without prefix, labels): value}`."""
    return {
        (sample.name.removeprefix(PREFIX), tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(metrics.render().decode())
        for sample in family.samples
    }


def compute(metrics, *, class_name="cat", confidence=0.93, batch_size=3, version=2):
    metrics.image_computed(
        model="pets",
        version=version,
        class_name=class_name,
        confidence=confidence,
        latency_ms=LATENCY_MS,
        batch_size=batch_size,
    )


def test_an_image_is_counted_by_class_stage_batch_and_confidence():
    metrics = Metrics()
    compute(metrics)
    compute(metrics, class_name="dog", confidence=0.31)
    found = read(metrics)
    of_version = (("model", "pets"), ("version", "2"))
    assert found["images_total", (("class", "cat"), *of_version)] == 1
    assert found["images_total", (("class", "dog"), *of_version)] == 1
    for stage, milliseconds in LATENCY_MS.items():
        assert found["image_duration_seconds_count", (("stage", stage),)] == 2
        assert found["image_duration_seconds_sum", (("stage", stage),)] == pytest.approx(
            2 * milliseconds / 1e3
        )
    decode = {
        labels[0][1]: value
        for (name, labels), value in found.items()
        if name == "image_duration_seconds_bucket" and ("stage", "decode") in labels
    }
    assert (decode["0.002"], decode["0.004"], decode["+Inf"]) == (0, 2, 2)
    confidence = {
        labels[0][1]: value
        for (name, labels), value in found.items()
        if name == "confidence_ratio_bucket"
    }
    assert (confidence["0.3"], confidence["0.4"], confidence["0.9"], confidence["0.95"]) == (
        *(0, 1, 1, 2),
    )
    assert found["batch_size_images_sum", ()] == 6


def test_requests_refusals_failures_shadows_and_labels_are_counted():
    metrics = Metrics()
    for seconds in (0.01, 0.3):
        metrics.request(route="/v1/predict", method="POST", status=200, seconds=seconds)
    metrics.request(route="/v1/predict", method="POST", status=503, seconds=0.001)
    metrics.refused("queue")
    metrics.image_failed("image")
    metrics.shadow("agreed")
    metrics.feedback(stored=False)
    metrics.feedback(stored=True)
    metrics.reload_failed()
    found = read(metrics)
    predict = (("method", "POST"), ("route", "/v1/predict"))
    assert found["requests_total", (*predict, ("status", "200"))] == 2
    assert found["requests_total", (*predict, ("status", "503"))] == 1
    assert found["request_duration_seconds_count", (("route", "/v1/predict"),)] == 3
    assert found["request_duration_seconds_sum", (("route", "/v1/predict"),)] == pytest.approx(
        0.311
    )
    assert found["refusals_total", (("reason", "queue"),)] == 1
    assert found["image_failures_total", (("reason", "image"),)] == 1
    assert found["shadow_images_total", (("result", "agreed"),)] == 1
    assert found["feedback_total", (("image", "stored"),)] == 1
    assert found["feedback_total", (("image", "not_stored"),)] == 1
    assert found["model_loads_total", (("result", "failed"),)] == 1


def test_only_the_version_that_is_served_is_told():
    metrics = Metrics()
    metrics.model_served(model="pets", version=1, strategy="single")
    metrics.model_served(model="pets", version=2, strategy="batches")
    served = [labels for name, labels in read(metrics) if name == "model_info"]
    assert served == [
        (("model", "pets"), ("strategy", "batches"), ("version", "2"), ("worker", "0"))
    ]
    metrics.model_served(model="pets", version=1, strategy="single")
    served = [dict(labels) for name, labels in read(metrics) if name == "model_info"]
    assert [labels["version"] for labels in served] == ["1"]


def test_what_is_watched_is_read_at_every_scrape():
    metrics = Metrics()
    inside = 3
    state = SimpleNamespace(
        spooled_records=7,
        spooled_images=1,
        spool_bytes=900,
        spool_limit_bytes=1000,
        spool_up=True,
        database_up=False,
        images_up=True,
        appended=10,
        direct=0,
        refused=0,
        moved=3,
        rejected=0,
        damaged=0,
        expired=0,
        images_stored=2,
        images_left_out=0,
        images_failed=0,
    )
    metrics.watch(queue=lambda: inside, log=lambda: state)
    own = (("worker", "0"),)
    found = read(metrics)
    assert found["queue_images", own] == 3
    assert found["log_spooled_records", own] == 7
    assert found["log_up", (("part", "database"), *own)] == 0
    assert found["log_up", (("part", "spool"), *own)] == 1
    assert found["log_records_total", (("result", "appended"),)] == 10
    inside, state.appended, state.database_up = 0, 12, True
    found = read(metrics)
    assert found["queue_images", own] == 0
    assert found["log_up", (("part", "database"), *own)] == 1
    assert found["log_records_total", (("result", "appended"),)] == 12


def test_the_state_of_the_real_log_is_what_is_watched(tmp_path):
    from mlopsproj_records.log import LogConfig, PredictionLog

    config = LogConfig(f"sqlite:///{tmp_path}/log.db", tmp_path / "spool", max_spool_bytes=5000)
    metrics = Metrics()
    with PredictionLog(config) as log:
        metrics.watch(log=log.state)
        found = read(metrics)
    assert found["log_up", (("part", "spool"), ("worker", "0"))] == 1
    assert found["log_spool_limit_bytes", (("worker", "0"),)] == 5000
    assert found["log_records_total", (("result", "appended"),)] == 0


def test_the_process_is_told():
    found = read(Metrics())
    own = (("worker", "0"),)
    assert found["process_cpu_seconds_total", ()] > 0
    assert found["process_resident_memory_bytes", own] > 1e6
    assert found["process_open_files", own] >= 3


def test_threads_lose_no_count():
    metrics = Metrics()

    def count():
        for _ in range(2_000):
            compute(metrics)
            metrics.request(route="/", method="GET", status=200, seconds=0.1)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = read(metrics)
    assert found["image_duration_seconds_count", (("stage", "total"),)] == 8_000
    assert found["batch_size_images_sum", ()] == 24_000
    assert found["request_duration_seconds_count", (("route", "/"),)] == 8_000


def test_counters_of_a_process_that_ended_stay_and_its_gauges_go(tmp_path):
    first, second = Metrics(tmp_path), Metrics(tmp_path)
    for metrics in (first, second):
        metrics.watch(queue=lambda: 5)
        metrics.refresh()
        metrics.model_served(model="pets", version=1, strategy="single")
        compute(metrics)
    seconds = read(first)["process_cpu_seconds_total", ()]
    second.close()
    found = read(first)
    stage = (("stage", "total"),)
    assert found["image_duration_seconds_count", stage] == 2
    assert {dict(labels).get("worker") for _, labels in found} == {None, "0"}
    assert found["process_cpu_seconds_total", ()] >= seconds

    third = Metrics(tmp_path)  # takes the second's place
    compute(third)
    found = read(first)
    assert found["image_duration_seconds_count", stage] == 3
    assert found["queue_images", (("worker", "1"),)] == 0
    assert found["process_cpu_seconds_total", ()] >= seconds
    assert [dict(labels)["worker"] for name, labels in found if name == "model_info"] == ["0"]
    first.close()
    third.close()


def test_names_follow_the_conventions_of_prometheus():
    for name, metric in METRICS.items():
        assert re.fullmatch(r"[a-z][a-z_]*[a-z]", name)
        assert name.endswith("_total") == (metric.kind == "counter")
        assert (metric.kind == "histogram") == bool(metric.bounds)
        assert list(metric.bounds) == sorted(metric.bounds)
        assert metric.help.endswith(".")
        if metric.kind == "histogram":
            assert name.endswith(("_seconds", "_images", "_ratio"))


def test_the_readme_shows_every_metric():
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `mlopsproj_api_(\w+)` \| (\w+) \| (.*?) \|", readme, re.MULTILINE)
    assert rows == [
        (name, metric.kind, ", ".join(f"`{label}`" for label in metric.labels))
        for name, metric in METRICS.items()
    ]
