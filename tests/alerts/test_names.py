"""Rules and dashboard ask only for what api and monitor really tell Prometheus."""

import pytest
from alerts.expressions import grouping_labels, of_the_dashboard, recorded, rules, selectors
from mlopsproj_monitor import metrics as monitor
from mlopsproj_serving.telemetry import metrics as api
from prometheus_client.parser import text_string_to_metric_families
from serving.server import Api, Monitor, make_version, publish

OF_PROMETHEUS = {
    "up": {"job", "instance"},
    "ALERTS": {"alertname", "alertstate", "severity", "job", "instance"},
}
TARGET = {"job", "instance"}
SERIES = {
    "counter": [("", set())],
    "gauge": [("", set())],
    "histogram": [("_bucket", {"le"}), ("_sum", set()), ("_count", set())],
}


def series_of(table, prefix, gauges=frozenset()):
    """Labels of each series of a table of metrics; `gauges`: what every gauge has beside."""
    return {
        prefix + metric.name + ending: {*metric.labels, *more, *TARGET}
        | (set(gauges) if metric.kind == "gauge" else set())
        for metric in table.values()
        for ending, more in SERIES[metric.kind]
    }


KNOWN = (
    series_of(api.METRICS, api.PREFIX, gauges={"worker"})
    | series_of(monitor.METRICS, monitor.PREFIX)
    | {name: {"job"} for name in recorded()}
    | OF_PROMETHEUS
)
EXPRESSIONS = [rule["expr"] for rule in rules()] + of_the_dashboard()


def told(page):
    """Names of the metrics that a page has, with series or without, as the tables name them."""
    return {
        family.name + ("_total" if family.type == "counter" else "")
        for family in text_string_to_metric_families(page)
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where both run: a registry with a version in production."""
    folder = tmp_path_factory.mktemp("names")
    bundle = make_version(folder / "bundle", 1)
    publish(str(folder / "service" / "registry"), bundle, "production")
    return folder / "service"


@pytest.mark.parametrize(
    ("service", "table", "prefix"),
    [(Api, api.METRICS, api.PREFIX), (Monitor, monitor.METRICS, monitor.PREFIX)],
)
def test_a_service_tells_what_its_table_says(folder, service, table, prefix):
    running = service(folder)
    try:
        running.launch()
        running.wait_until(lambda: running.get_status("/metrics") == 200, "tells no numbers")
        page = running.client.get("/metrics").text
    finally:
        running.kill()
        running.client.close()
    assert told(page) == {prefix + name for name in table}
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            assert {*sample.labels, *TARGET} == KNOWN[sample.name], sample.name


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expression_asks_for_what_exists(expression):
    asked = selectors(expression)
    names = {selector.name for selector in asked}
    assert names <= KNOWN.keys() or not asked
    for selector in asked:
        assert selector.labels <= KNOWN[selector.name], selector
    if names:
        labels = set.union(*(KNOWN[name] for name in names))
        assert grouping_labels(expression) <= labels


def test_every_recorded_series_is_asked_for():
    asked = {selector.name for each in EXPRESSIONS for selector in selectors(each)}
    assert recorded() <= asked
