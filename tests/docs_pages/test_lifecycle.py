"""The page on the life of a project names what is there, and calls missing what is not."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "lifecycle.md").read_text(encoding="utf-8")
# What the page calls missing, and where it would be if it were there.
MISSING = {
    "a DVC stage": ("dvc.yaml", ".dvc"),
    "no web console": ("apps/frontend",),
    "no GCP infrastructure": ("infra/gcp", "infra/pulumi", "infra/terraform"),
    "no Kubernetes files": ("infra/kubernetes", "infra/helm"),
}


def test_every_path_of_the_page_is_there():
    paths = re.findall(r"`((?:\.[a-z]|[a-z]+/|[a-z]+\.(?:toml|txt|py))[^ `]*)`", PAGE)
    assert len(paths) > 30
    assert not [path for path in paths if not (ROOT / path).exists()]


@pytest.mark.parametrize("said", MISSING)
def test_what_the_page_calls_missing_is_not_there(said):
    assert said in PAGE
    assert not [path for path in MISSING[said] if (ROOT / path).exists()]


def test_one_process_trains_as_the_page_says():
    assert "no DDP" in PAGE
    fitting = ROOT / "apps" / "train" / "src" / "mlopsproj_train" / "fitting.py"
    assert "devices=1" in fitting.read_text(encoding="utf-8")


def test_nothing_sends_the_event_of_changed_data_as_the_page_says():
    assert "nothing sends it yet" in PAGE
    source = (path.read_text(encoding="utf-8") for path in ROOT.glob("*/*/src/**/*.py"))
    assert sum(text.count("data-changed") for text in source) == 1  # the contract's own
