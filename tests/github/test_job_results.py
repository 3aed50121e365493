"""The check that sums the rest."""

import json
import os
import subprocess
import sys

import pytest


def run(root, needs):
    return subprocess.run(
        [sys.executable, "infra/github/job_results.py"],
        cwd=root,
        env={**os.environ, "NEEDS": needs},
        capture_output=True,
        text=True,
        check=False,
    )


def test_all_have_succeeded(root):
    done = run(root, json.dumps({"lint": {"result": "success", "outputs": {}}}))
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("result", ["failure", "cancelled", "skipped"])
def test_one_has_not(root, result):
    needs = {"lint": {"result": "success"}, "tests": {"result": result}}
    done = run(root, json.dumps(needs))
    assert (done.returncode, done.stderr) == (1, f"tests: {result}\n")


@pytest.mark.parametrize("needs", ["", "{}"])
def test_nothing_is_no_success(root, needs):
    assert run(root, needs).returncode == 1
