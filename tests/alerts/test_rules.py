"""Every alert fires when it should, is quiet just below, and says what to do."""

import itertools
import re
from pathlib import Path

import pytest
import yaml
from alerts.expressions import ROOT, RULES, alerts

CASES = Path(__file__).parent / "rules"
PAGE = ROOT / "docs" / "concepts" / "alerts.md"
OBJECTIVES = "infra/prometheus/rules/objectives.yaml"
ALERTMANAGER = ROOT / "infra" / "alertmanager" / "alertmanager.yaml"
SEVERITIES = {"page", "ticket"}
WHOSE = {"job", "instance", "model", "version"}


def expectations():
    """`(alert, labels of those that fire)` of every moment of every case."""
    for file in CASES.glob("*.yaml"):
        for case in yaml.safe_load(file.read_text())["tests"]:
            for moment in case["promql_expr_test"]:
                alert = re.search(r'alertname="(\w+)"', moment["expr"])[1]
                fire = [
                    dict(re.findall(r'(\w+)="([^"]*)"', sample["labels"]))
                    for sample in moment.get("exp_samples", ())
                ]
                yield alert, fire


@pytest.mark.parametrize("file", RULES, ids=lambda path: path.stem)
def test_prometheus_reads_the_rules(check, file):
    assert "SUCCESS" in check("promtool", "check", "rules", str(file))


@pytest.mark.parametrize("name", ["api", "monitor"])
def test_alerts_fire_when_they_should(check, name):
    check("promtool", "test", "rules", f"tests/alerts/rules/{name}.yaml")


@pytest.mark.slow  # budgets are burned for hours, minute by minute
def test_budgets_that_burn_fire_when_they_should(check):
    check("promtool", "test", "rules", "tests/alerts/rules/objectives.yaml")


def test_every_alert_has_cases_where_it_fires_and_where_it_does_not():
    kinds = {(rule["alert"], rule["labels"].get("long"), "fires") for rule in alerts()}
    quiet = {(rule["alert"], None, "quiet") for rule in alerts()}
    tried = set()
    for alert, fire in expectations():
        tried |= {(alert, labels.get("long"), "fires") for labels in fire}
        if not fire:
            tried.add((alert, None, "quiet"))
    assert tried == kinds | quiet


def test_files_of_rules_are_those_of_the_cases():
    assert sorted(path.name for path in CASES.glob("*.yaml")) == [path.name for path in RULES]


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: rule["alert"])
def test_an_alert_says_how_bad_what_and_where_to_read_on(rule):
    assert rule["labels"]["severity"] in SEVERITIES
    said = rule["annotations"]
    assert set(said) == {"summary", "description", "runbook"}
    assert said["runbook"] == f"docs/concepts/alerts.md#{rule['alert'].lower()}"
    assert len(said["description"]) > 80


def test_a_summary_names_only_labels_that_its_alert_has():
    carried: dict[str, list[set[str]]] = {}
    for alert, fire in expectations():
        carried.setdefault(alert, []).extend(map(set, fire))
    for rule in alerts():
        told = set(re.findall(r"\$labels\.(\w+)", str(rule["annotations"])))
        assert told, rule["alert"]
        if rule["alert"] in {"ApiDown", "MonitorDown"}:  # where there is no target, no instance
            told -= {"instance"}
        for labels in carried[rule["alert"]]:
            assert told <= labels, rule["alert"]


def test_an_alert_silences_another_only_of_the_same_process_or_version():
    carried: dict[str, set[str]] = {}
    for alert, fire in expectations():
        carried.setdefault(alert, set()).update(*fire)
    silencing = 0
    for rule in yaml.safe_load(ALERTMANAGER.read_text())["inhibit_rules"]:
        source, target = (
            re.findall(r"[A-Z]\w+", " ".join(rule[f"{side}_matchers"]))
            for side in ("source", "target")
        )
        for one, other in itertools.product(source, target):
            assert set(rule["equal"]) == carried[one] & carried[other] & WHOSE, (one, other)
            silencing += 1
    assert silencing


def test_every_alert_has_its_section_and_no_other_has():
    sections = dict(
        re.findall(
            r"^### ((?:Api|Model|Monitor|Retraining)\w+)\n(.*?)(?=^##|\Z)",
            PAGE.read_text(),
            re.MULTILINE | re.DOTALL,
        )
    )
    assert set(sections) == {rule["alert"] for rule in alerts()}
    for alert, text in sections.items():
        assert "**Look**" in text, alert
        assert "**Mend**" in text, alert
        severities = {rule["labels"]["severity"] for rule in alerts() if rule["alert"] == alert}
        told = set(re.findall(r"\b(page|ticket)\b", text.split("\n\n")[0].split(".")[0].lower()))
        assert told == severities, alert


def test_objectives_are_told_as_they_are():
    objectives = dict(
        re.findall(
            r"record: mlopsproj_api:(\w+):objective.*\n *expr: vector\(([\d.]+)\)",
            (ROOT / OBJECTIVES).read_text(),
        )
    )
    told = re.findall(r"^\| (\w+) \| ([\d.]+) %", PAGE.read_text(), re.MULTILINE)
    assert {name: f"{100 * float(value):g}" for name, value in objectives.items()} == dict(told)
