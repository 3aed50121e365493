"""Says what a tag releases: its section of `CHANGELOG.md`; refuses a tag of which nothing is told.

Knows nothing of what version the members have, nor of how wheels are made.
"""

import argparse
import re
import sys
from pathlib import Path
from typing import Final

CHANGELOG: Final = Path(__file__).parents[2] / "CHANGELOG.md"
_HEADING = re.compile(r"^## +", re.MULTILINE)


def notes(changelog: str, version: str) -> str:
    """The section of a version.

    Args:
        changelog: whose sections are headed by a version, or by "Unreleased".
        version: without the tag's "v".

    Raises:
        ValueError: there is no such section, or nothing stands in it.
    """
    for section in _HEADING.split(changelog)[1:]:
        heading, _, text = section.partition("\n")
        if heading.split()[:1] == [version]:
            if text.strip():
                return text.strip() + "\n"
            raise ValueError(f"CHANGELOG.md has a section {version}, and nothing stands in it.")
    raise ValueError(
        f"CHANGELOG.md has no section {version}: give what stands under Unreleased its number."
    )


def main() -> int:
    """Write the notes of a tag; 1 if there are none."""
    parser = argparse.ArgumentParser(description="Write what a tag releases.")
    parser.add_argument("tag", help="for example v0.1.0")
    parser.add_argument("--output", type=Path, required=True, help="file to write")
    parser.add_argument("--changelog", type=Path, default=CHANGELOG, help="of the repository")
    arguments = parser.parse_args()
    try:
        changelog = arguments.changelog.read_text(encoding="utf-8")
        text = notes(changelog, arguments.tag.removeprefix("v"))
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    arguments.output.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
