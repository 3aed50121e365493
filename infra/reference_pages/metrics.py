"""The page of metrics: what the services tell Prometheus. Knows nothing of how it is counted."""

from collections.abc import Mapping
from typing import Final

from mlopsproj_monitor.metrics import METRICS as OF_THE_MONITOR
from mlopsproj_monitor.metrics import PREFIX as MONITOR
from mlopsproj_serving.telemetry.metrics import METRICS as OF_THE_API
from mlopsproj_serving.telemetry.metrics import PREFIX as API
from mlopsproj_serving.telemetry.metrics import Metric

from reference_pages.described import described
from reference_pages.markdown import code, table

UNITS: Final = ("seconds", "bytes", "ratio", "images")

_INTRODUCTION: Final = """\
# Metrics

What `/metrics` of each service tells Prometheus. A ratio is from 0 to 1, a time is in seconds,
`…_timestamp_seconds` since 1970 in UTC. The [alerts](../concepts/alerts.md) are made of these.
"""
_OF_API: Final = """\
## api

A gauge has the label `worker`, the number of its process, beside those that are named.
"""
_BUCKETS: Final = """\
Upper bounds of the buckets of histograms:
"""


def page() -> str:
    """The page."""
    parts = [_INTRODUCTION, _OF_API, *_tables(API, OF_THE_API)]
    return "\n".join([*parts, "## monitor\n", *_tables(MONITOR, OF_THE_MONITOR)])


def _tables(prefix: str, metrics: Mapping[str, Metric]) -> list[str]:
    rows = [
        (
            code(prefix + metric.name),
            metric.kind,
            ", ".join(map(code, metric.labels)) or "none",
            _unit(metric.name),
            described(metric.help, metric.name),
        )
        for metric in metrics.values()
    ]
    bounds = [
        (code(prefix + metric.name), ", ".join(f"{bound:g}" for bound in metric.bounds))
        for metric in metrics.values()
        if metric.bounds
    ]
    told = [table(("metric", "kind", "labels", "unit", "meaning"), rows)]
    if bounds:
        told += [_BUCKETS, table(("metric", "bounds"), bounds)]
    return told


def _unit(name: str) -> str:
    last = name.removesuffix("_total").rpartition("_")[2]
    return last if last in UNITS else ""
