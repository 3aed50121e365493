"""The numbers of all processes as one page for Prometheus.

Counters and histograms are summed over all processes that ever counted, so that they never fall;
gauges are told for each living process. Knows nothing of what is counted.
"""

from collections.abc import Iterable, Iterator
from itertools import accumulate

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from mlopsproj_serving.telemetry.metrics import METRICS, PREFIX, Metric
from mlopsproj_serving.telemetry.tallies import WorkerTallies

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""Of what `render_metrics` returns."""

_Sums = dict[str, dict[tuple[str, ...], list[float]]]


def render_metrics(workers: list[WorkerTallies]) -> bytes:
    """The page, in the text format of Prometheus."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Page(workers))
    return generate_latest(registry)


class _Page(Collector):
    def __init__(self, workers: Iterable[WorkerTallies]) -> None:
        self._sums = _sum(workers)

    def collect(self) -> Iterator[Family]:
        for metric in METRICS.values():
            yield _family(metric, self._sums.get(metric.name, {}))


def _sum(workers: Iterable[WorkerTallies]) -> _Sums:
    sums: _Sums = {}
    for worker in workers:
        for series in worker.series:
            metric = METRICS[series.name]
            labels = series.labels
            if metric.kind == "gauge":
                if not worker.alive:
                    continue
                labels = (str(worker.worker), *labels)
            values = list(worker.values[series.first : series.first + series.size])
            of_name = sums.setdefault(series.name, {})
            before = of_name.get(labels)
            of_name[labels] = (
                values if before is None else [a + b for a, b in zip(before, values, strict=True)]
            )
    return sums


def _family(metric: Metric, series: dict[tuple[str, ...], list[float]]) -> Family:
    name = PREFIX + metric.name
    if metric.kind == "counter":
        counter = CounterMetricFamily(name, metric.help, labels=metric.labels)
        for labels, (value,) in series.items():
            counter.add_metric(labels, value)
        return counter
    if metric.kind == "gauge":
        gauge = GaugeMetricFamily(name, metric.help, labels=("worker", *metric.labels))
        for labels, (value,) in series.items():
            if metric.name != "model_info" or value:  # a version that was served before is no more
                gauge.add_metric(labels, value)
        return gauge
    histogram = HistogramMetricFamily(name, metric.help, labels=metric.labels)
    bounds = [*(repr(bound) for bound in metric.bounds), "+Inf"]
    for labels, (*counts, total) in series.items():
        buckets = list(zip(bounds, accumulate(counts), strict=True))
        histogram.add_metric(labels, buckets, sum_value=total)
    return histogram
