from mlopsproj_serving.telemetry.exposition import CONTENT_TYPE, render_metrics
from mlopsproj_serving.telemetry.metrics import METRICS, PREFIX
from mlopsproj_serving.telemetry.tallies import Series, WorkerTallies
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families


def page(*workers):
    families = list(text_string_to_metric_families(render_metrics(list(workers)).decode()))
    return {
        (sample.name.removeprefix(PREFIX), *sorted(sample.labels.values())): sample.value
        for family in families
        for sample in family.samples
    }


def worker(number, name, labels, values, *, alive=True):
    return WorkerTallies(number, values, [Series(name, labels, 0, len(values))], alive=alive)


def test_counters_of_the_dead_count_and_their_gauges_do_not():
    found = page(
        worker(0, "refusals_total", ("rate",), [2.0]),
        worker(1, "refusals_total", ("rate",), [3.0], alive=False),
        worker(2, "queue_images", (), [4.0]),
        worker(3, "queue_images", (), [5.0], alive=False),
    )
    assert found == {("refusals_total", "rate"): 5, ("queue_images", "2"): 4}


def test_histograms_are_summed_and_their_buckets_hold_all_below():
    bounds = METRICS["batch_size_images"].bounds
    counts = [1.0] * (len(bounds) + 1)
    found = page(
        worker(0, "batch_size_images", (), [*counts, 10.0]),
        worker(1, "batch_size_images", (), [*counts, 5.0]),
    )
    assert found["batch_size_images_bucket", "1.0"] == 2
    assert found["batch_size_images_bucket", "2.0"] == 4
    assert found["batch_size_images_bucket", "+Inf"] == 2 * len(counts)
    assert found["batch_size_images_count",] == 2 * len(counts)
    assert found["batch_size_images_sum",] == 15


def test_labels_of_any_text_are_escaped():
    name = 'a "class"\\ with\na line and ümlauts'
    found = page(worker(0, "images_total", ("pets", "1", name), [1.0]))
    ((key, value),) = found.items()
    assert (name in key, value) == (True, 1)


def test_every_metric_is_described_before_anything_is_counted():
    text = render_metrics([]).decode()
    for name, metric in METRICS.items():
        assert f"# TYPE {PREFIX}{name} {metric.kind}\n" in text
        assert f"# HELP {PREFIX}{name} {metric.help}\n" in text


def test_the_content_type_is_that_of_the_format():
    from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry

    assert CONTENT_TYPE.startswith("text/plain")
    assert CONTENT_TYPE_LATEST.partition(";")[0] == CONTENT_TYPE.partition(";")[0]
    assert generate_latest(CollectorRegistry()) == b""
