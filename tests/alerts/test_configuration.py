"""What Prometheus and Alertmanager are told in `infra/` is what they accept, and fits the rules."""

import re

import yaml
from alerts.expressions import ROOT, alerts

PROMETHEUS = ROOT / "infra" / "prometheus" / "prometheus.yaml"
ALERTMANAGER = ROOT / "infra" / "alertmanager" / "alertmanager.yaml"


def test_prometheus_accepts_its_configuration(check):
    said = check("promtool", "check", "config", str(PROMETHEUS))
    assert "3 rule files found" in said


def test_alertmanager_accepts_its_configuration(check):
    check("amtool", "check-config", str(ALERTMANAGER))


def test_pages_and_tickets_go_to_their_own_receivers(check):
    for severity, receiver in {"page": "pages", "ticket": "tickets"}.items():
        route = ("config", "routes", "test", f"--config.file={ALERTMANAGER}")
        assert check("amtool", *route, f"severity={severity}").strip() == receiver


def test_the_jobs_are_those_that_the_rules_know():
    configured = {
        job["job_name"] for job in yaml.safe_load(PROMETHEUS.read_text())["scrape_configs"]
    }
    named = {job for rule in alerts() for job in re.findall(r'job="([\w-]+)"', rule["expr"])}
    assert named == configured


def test_an_alert_that_inhibits_or_is_inhibited_exists():
    known = {rule["alert"] for rule in alerts()}
    for rule in yaml.safe_load(ALERTMANAGER.read_text())["inhibit_rules"]:
        for matcher in rule["source_matchers"] + rule["target_matchers"]:
            name, pattern = re.fullmatch(r'(\w+)=~?"(.*)"', matcher).groups()
            if name == "alertname":
                assert set(pattern.split("|")) <= known, matcher
