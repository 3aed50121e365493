"""Prometheus's own tools, and what they say."""

import shutil
import subprocess

import pytest
from alerts.expressions import ROOT


@pytest.fixture(scope="session")
def check():
    """`check("promtool", ...)`: run a tool from the root; skips where it is not installed."""

    def run(tool: str, *arguments: str) -> str:
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed (Debian: prometheus, prometheus-alertmanager)")
        done = subprocess.run(
            [tool, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run
