"""The rules and the dashboard as data, and what an expression of PromQL asks for.

Knows nothing of what exists.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path

import promql_parser
import yaml

ROOT = Path(__file__).parents[2]
RULES = sorted((ROOT / "infra" / "prometheus" / "rules").glob("*.yaml"))
DASHBOARD = ROOT / "infra" / "grafana" / "dashboard.json"
# Of Prometheus itself: they stand for a time that the reader chooses.
_GRAFANA_TIME = re.compile(r"\$__(rate_interval|interval|range)\b")


@dataclass(frozen=True)
class Selector:
    """What an expression asks for: series of a name, with labels that match these values."""

    name: str
    matchers: frozenset[tuple[str, str]]

    @property
    def labels(self) -> set[str]:
        return {label for label, _ in self.matchers}


def rules() -> list[dict]:
    """Every rule of every file."""
    return [
        rule
        for file in RULES
        for group in yaml.safe_load(file.read_text())["groups"]
        for rule in group["rules"]
    ]


def alerts() -> list[dict]:
    return [rule for rule in rules() if "alert" in rule]


def recorded() -> set[str]:
    """Names that recording rules make."""
    return {rule["record"] for rule in rules() if "record" in rule}


def of_the_dashboard() -> list[str]:
    """Every expression that the dashboard asks, its variables' too."""
    dashboard = json.loads(DASHBOARD.read_text())
    panels = [
        target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())
    ]
    variables = [
        re.search(r"label_values\((.*), *\w+\)$", variable["definition"])[1]
        for variable in dashboard["templating"]["list"]
        if variable["type"] == "query"
    ]
    return [_GRAFANA_TIME.sub("5m", expression) for expression in panels + variables]


def selectors(expression: str) -> set[Selector]:
    """What it asks for."""
    found = set()

    def visit(node) -> None:
        if isinstance(node, promql_parser.VectorSelector):
            matchers = node.matchers.matchers
            found.add(Selector(node.name, frozenset((each.name, each.value) for each in matchers)))

    promql_parser.walk(promql_parser.parse(expression), visit)
    return found


def grouping_labels(expression: str) -> set[str]:
    """Labels that it sums by or joins on."""
    found = set()

    def visit(node) -> None:
        if isinstance(node, promql_parser.AggregateExpr) and node.modifier:
            found.update(node.modifier.labels)
        if isinstance(node, promql_parser.BinaryExpr) and node.modifier and node.modifier.matching:
            found.update(node.modifier.matching.labels)

    promql_parser.walk(promql_parser.parse(expression), visit)
    return found
