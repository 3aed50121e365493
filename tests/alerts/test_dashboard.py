"""The dashboard that is kept is the one that its panels make, and Prometheus reads what it asks."""

import runpy

import yaml
from alerts.expressions import DASHBOARD, of_the_dashboard


def test_the_dashboard_is_what_its_panels_make():
    made = runpy.run_path(str(DASHBOARD.with_name("dashboard.py")))
    assert made["to_text"](made["read_panels"]()) == DASHBOARD.read_text(), (
        "run python infra/grafana/dashboard.py and commit what it writes"
    )


def test_prometheus_reads_every_expression(check, tmp_path):
    rules = [
        {"record": f"panel:{number}", "expr": expression}
        for number, expression in enumerate(of_the_dashboard())
    ]
    file = tmp_path / "panels.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    check("promtool", "check", "rules", str(file))
