"""Rules and dashboard ask only for what api and monitor really tell Prometheus."""

from typing import get_args

import pytest
from alerts.expressions import grouping_labels, of_the_dashboard, recorded, rules, selectors
from mlopsproj_monitor import metrics as monitor
from mlopsproj_records.retraining import STATES
from mlopsproj_serving.telemetry import metrics as api
from prometheus_client.parser import text_string_to_metric_families
from serving.pictures import jpeg
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
# Of labels that are matched by value: what misspells one asks for nothing, and never says so.
VALUES = {
    ("mlopsproj_api_requests_total", "route"): {"/v1/predict"},
    ("mlopsproj_api_request_duration_seconds_bucket", "route"): {"/v1/predict"},
    ("mlopsproj_api_log_up", "part"): {"spool", "database", "images"},
    ("mlopsproj_api_model_loads_total", "result"): {"served", "failed"},
    ("mlopsproj_api_refusals_total", "reason"): set(get_args(api.RefusalReason)),
    ("mlopsproj_api_image_failures_total", "reason"): set(get_args(api.FailReason)),
    ("mlopsproj_api_log_records_total", "result"): set(api._RECORD_RESULTS),
    **{
        (f"mlopsproj_api_image_duration_seconds_{ending}", "stage"): {
            *("queue", "decode", "infer", "log", "total")
        }
        for ending in ("bucket", "sum", "count")
    },
    **{
        (f"{api.PREFIX}{metric.name}_bucket", "le"): {repr(bound) for bound in metric.bounds}
        for metric in api.METRICS.values()
        if metric.kind == "histogram"
    },
    ("mlopsproj_monitor_retrainings", "state"): set(STATES),
    ("ALERTS", "alertstate"): {"pending", "firing"},
}
ANY = {"job", "model"}  # held against the configuration; chosen by the reader
STATUSES = {"status": "5.."}
EXPRESSIONS = [rule["expr"] for rule in rules()] + of_the_dashboard()


def told(page):
    """Names of the metrics that a page has, with series or without, as the tables name them."""
    return {
        family.name + ("_total" if family.type == "counter" else "")
        for family in text_string_to_metric_families(page)
    }


def samples(page):
    return [each for family in text_string_to_metric_families(page) for each in family.samples]


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """What each service tells, soon after its start; the api has answered an image."""
    folder = tmp_path_factory.mktemp("names")
    publish(str(folder / "service" / "registry"), make_version(folder / "one", 1), "production")
    api_, monitor_ = Api(folder / "service"), Monitor(folder / "service")
    try:
        assert api_.start().predict(jpeg(28, 28)).is_success
        monitor_.launch()
        monitor_.wait_until(lambda: monitor_.get_status("/metrics") == 200, "tells no numbers")
        return {each.command: each.client.get("/metrics").text for each in (api_, monitor_)}
    finally:
        for each in (api_, monitor_):
            each.kill()
            each.client.close()


@pytest.mark.parametrize(("service", "module"), [("api", api), ("monitor", monitor)])
def test_a_service_tells_what_its_table_says(pages, service, module):
    page = pages[service]
    assert told(page) == {module.PREFIX + name for name in module.METRICS}
    for sample in samples(page):
        assert {*sample.labels, *TARGET} == KNOWN[sample.name], sample.name


def test_values_that_are_matched_are_the_real_ones(pages):
    real = {}
    for sample in samples(pages["api"]):
        for label, value in sample.labels.items():
            real.setdefault((sample.name, label), set()).add(value)
    for key, values in VALUES.items():
        if "reason" in key:  # nothing was refused, nothing failed
            continue
        if "route" in key:  # others are asked for too
            assert values <= real[key], key
        elif key[0].startswith(api.PREFIX):
            assert real[key] - {"+Inf"} <= values, key


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expression_asks_for_what_exists(expression):
    asked = selectors(expression)
    names = {selector.name for selector in asked}
    assert names <= KNOWN.keys() or not asked
    for selector in asked:
        assert selector.labels <= KNOWN[selector.name], selector
        for label, value in selector.matchers:
            if label in ANY or STATUSES.get(label) == value:
                continue
            assert set(value.split("|")) <= VALUES[selector.name, label], selector
    if names:
        labels = set.union(*(KNOWN[name] for name in names))
        assert grouping_labels(expression) <= labels


def test_every_recorded_series_is_asked_for():
    asked = {selector.name for each in EXPRESSIONS for selector in selectors(each)}
    assert recorded() <= asked
