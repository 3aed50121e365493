"""Writes the Grafana dashboard: `python infra/grafana/dashboard.py` makes `dashboard.json` anew.

What it shows stands in `panels.yaml`; here is how Grafana wants to be told. A test holds the files
together, and every metric against what api and monitor expose.
"""

import json
from pathlib import Path
from typing import Any, Final, TypedDict

import yaml

FOLDER: Final = Path(__file__).parent
FILE: Final = FOLDER / "dashboard.json"

_WIDTH = 24  # of Grafana's grid
_HEIGHT = 8
_BESIDE = 3  # panels
_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
_MODELS = "label_values(mlopsproj_api_images_total, model)"


class Panel(TypedDict, total=False):
    """Curves of one thing, as `panels.yaml` has them.

    Attributes:
        title: of the panel.
        unit: as Grafana names it, e.g. "reqps", "percentunit", "s".
        stacked: whether the curves lie on each other; they do not unless said.
        about: what a reader should know, if the title does not say it.
        queries: expressions of PromQL, each by its legend, which may name labels: "{{class}}".
    """

    title: str
    unit: str
    stacked: bool
    about: str
    queries: dict[str, str]


def dashboard(rows: dict[str, list[Panel]]) -> dict[str, Any]:
    """The document that Grafana imports (schema 39: Grafana 10.4 and later).

    Args:
        rows: the panels, by the title of the row that they stand in.
    """
    panels: list[dict[str, Any]] = []
    top = 0
    for title, row in rows.items():
        at = {"h": 1, "w": _WIDTH, "x": 0, "y": top}
        panels.append({"type": "row", "title": title, "collapsed": False, "gridPos": at})
        top += 1
        for number, panel in enumerate(row):
            down, across = divmod(number, _BESIDE)
            width = _WIDTH // _BESIDE
            at = {"h": _HEIGHT, "w": width, "x": across * width, "y": top + down * _HEIGHT}
            panels.append(_panel(panel, at))
        top += -(-len(row) // _BESIDE) * _HEIGHT
    for number, each in enumerate(panels, start=1):
        each["id"] = number
    return {
        "title": "mlopsproj",
        "uid": "mlopsproj",
        "schemaVersion": 39,
        "tags": ["mlopsproj"],
        "time": {"from": "now-6h", "to": "now"},
        "refresh": "1m",
        "editable": True,
        "templating": {"list": _variables()},
        "panels": panels,
    }


def _variables() -> list[dict[str, Any]]:
    return [
        {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus"},
        {
            "name": "model",
            "label": "Model",
            "type": "query",
            "datasource": _SOURCE,
            "definition": _MODELS,
            "query": {"query": _MODELS, "refId": "models"},
            "refresh": 2,  # whenever the time range changes
            "includeAll": True,
            "multi": True,
            "current": {"text": ["All"], "value": ["$__all"]},
        },
    ]


def _panel(panel: Panel, at: dict[str, int]) -> dict[str, Any]:
    stacked = panel.get("stacked", False)
    custom = {
        "stacking": {"mode": "normal" if stacked else "none"},
        "fillOpacity": 20 if stacked else 0,
    }
    return {
        "type": "timeseries",
        "title": panel["title"],
        "description": panel.get("about", ""),
        "datasource": _SOURCE,
        "gridPos": at,
        "fieldConfig": {"defaults": {"unit": panel["unit"], "custom": custom}, "overrides": []},
        "options": {"legend": {"displayMode": "list", "placement": "bottom", "showLegend": True}},
        "targets": [
            {
                "refId": chr(ord("A") + number),
                "datasource": _SOURCE,
                "expr": query,
                "legendFormat": legend,
            }
            for number, (legend, query) in enumerate(panel["queries"].items())
        ],
    }


def read_panels() -> dict[str, list[Panel]]:
    """What `panels.yaml` says."""
    rows: dict[str, list[Panel]] = yaml.safe_load((FOLDER / "panels.yaml").read_text("utf-8"))
    return rows


def to_text(rows: dict[str, list[Panel]]) -> str:
    """`dashboard.json`, for panels."""
    return json.dumps(dashboard(rows), indent=2) + "\n"


if __name__ == "__main__":
    FILE.write_text(to_text(read_panels()), encoding="utf-8")
