"""SECURITY.md names tests that there are."""

import re

import pytest


def named(text):
    """Path and names of each test that stands in code."""
    return re.findall(r"`([\w./-]+\.py)::([\w:]+)`", text)


def test_every_claim_names_a_test_that_there_is(root):
    tests = named((root / "SECURITY.md").read_text())
    assert len(tests) > 30
    for path, names in tests:
        text = (root / path).read_text()
        for name in names.split("::"):
            assert re.search(rf"^\s*(?:async )?(?:def|class) {name}\b", text, re.MULTILINE), (
                f"{path} has no {name}"
            )


def test_every_claim_of_a_table_is_shown(root):
    rows = [line for line in (root / "SECURITY.md").read_text().splitlines() if line[:1] == "|"]
    for row in rows:
        if not row.startswith(("| it cannot |", "| --- |")):
            assert named(row), row


@pytest.mark.parametrize("page", ["SECURITY.md", "docs/concepts/security.md"])
def test_the_session_that_is_told_is_there(root, page):
    assert "nox -s security" in (root / page).read_text()
    assert re.search(r"^def security\(", (root / "noxfile.py").read_text(), re.MULTILINE)
