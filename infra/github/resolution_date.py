"""Moves the date that fixes what every resolution gives: `exclude-newer` in `pyproject.toml`.

Some days are left between that date and today, in which others find what is wrong with a release.
Knows nothing of what then resolves.
"""

import argparse
import re
import sys
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Final

PYPROJECT: Final = Path(__file__).parents[2] / "pyproject.toml"
_LINE = re.compile(r'^exclude-newer = "([^"]+)"$', re.MULTILINE)


def date_of(text: str) -> datetime:
    """The resolution date.

    Args:
        text: of the workspace's `pyproject.toml`.

    Raises:
        ValueError: the text has no such date, or more than one.
    """
    found = _LINE.findall(text)
    if len(found) != 1:
        raise ValueError(f'pyproject.toml has {len(found)} lines exclude-newer = "DATE", not one.')
    return datetime.fromisoformat(found[0])


def moved(text: str, *, now: datetime, days_ago: int) -> str:
    """The text with the resolution date so many days before `now`, at midnight UTC; never earlier.

    Args:
        text: of the workspace's `pyproject.toml`.
        now: with its time zone.
        days_ago: at least 0.

    Raises:
        ValueError: see `date_of`.
    """
    day = (now.astimezone(UTC) - timedelta(days=days_ago)).date()
    date = datetime.combine(day, time(), UTC)
    if date <= date_of(text):
        return text
    return _LINE.sub(f'exclude-newer = "{date:%Y-%m-%dT%H:%M:%SZ}"', text)


def main() -> None:
    """Move the date of this repository, and say to when."""
    parser = argparse.ArgumentParser(description="Move the resolution date of the workspace.")
    parser.add_argument("--days-ago", type=int, default=7, help="from today (default: 7)")
    parser.add_argument("--file", type=Path, default=PYPROJECT, help="the workspace's pyproject")
    arguments = parser.parse_args()
    if arguments.days_ago < 0:
        parser.error(f"--days-ago is {arguments.days_ago}: a resolution sees nothing of tomorrow")
    text = arguments.file.read_text(encoding="utf-8")
    text = moved(text, now=datetime.now(UTC), days_ago=arguments.days_ago)
    arguments.file.write_text(text, encoding="utf-8", newline="\n")
    sys.stdout.write(f"{date_of(text):%Y-%m-%d}\n")


if __name__ == "__main__":
    main()
