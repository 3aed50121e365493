"""The date that fixes what resolves."""

import subprocess
import sys
import tomllib
from datetime import UTC, datetime

import pytest

TEXT = '[tool.uv]\npackage = false\nexclude-newer = "2026-11-17T00:00:00Z"\n\n[tool.ruff]\n'


def test_the_date_moves_and_nothing_else(script):
    dates = script("resolution_date")
    text = dates.moved(TEXT, now=datetime(2026, 12, 14, 5, 30, tzinfo=UTC), days_ago=7)
    assert text == TEXT.replace("2026-11-17", "2026-12-07")


def test_the_date_never_goes_back(script):
    dates = script("resolution_date")
    assert dates.moved(TEXT, now=datetime(2026, 11, 20, tzinfo=UTC), days_ago=7) == TEXT


@pytest.mark.parametrize("text", ["[tool.uv]\n", TEXT + 'exclude-newer = "2026-11-17"\n'])
def test_a_date_that_cannot_be_told_is_refused(script, text):
    with pytest.raises(ValueError, match="not one"):
        script("resolution_date").date_of(text)


def test_the_command_on_the_real_settings(root, tmp_path):
    file = tmp_path / "pyproject.toml"
    file.write_bytes((root / "pyproject.toml").read_bytes())
    command = [sys.executable, "infra/github/resolution_date.py", "--file", str(file)]
    said = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout
    before = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    after = tomllib.loads(file.read_text(encoding="utf-8"))
    date = after["tool"]["uv"].pop("exclude-newer")
    assert date >= before["tool"]["uv"].pop("exclude-newer")
    assert said.strip() == date[: len("2026-11-17")]
    assert after == before


def test_tomorrow_is_refused(root):
    command = [sys.executable, "infra/github/resolution_date.py", "--days-ago", "-1"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "--days-ago is -1" in done.stderr
