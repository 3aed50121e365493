"""Says what a tag releases: its section of `CHANGELOG.md`; refuses a tag that releases nothing.

A tag is `v` and the one version that every member carries. Knows nothing of how wheels are made.
"""

import argparse
import re
import sys
import tomllib
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
_HEADING = re.compile(r"^## +", re.MULTILINE)


def versions(root: Path) -> dict[str, str]:
    """The version of the workspace and of every member, by the file that says it.

    Args:
        root: of the repository.
    """
    files = [root / "pyproject.toml", *sorted(root.glob("*/*/pyproject.toml"))]
    settings = {file: tomllib.loads(file.read_text(encoding="utf-8")) for file in files}
    return {
        file.relative_to(root).as_posix(): str(told["project"]["version"])
        for file, told in settings.items()
    }


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
    """Write the notes of a tag; 1 if it releases nothing."""
    parser = argparse.ArgumentParser(description="Write what a tag releases.")
    parser.add_argument("tag", help="for example v0.1.0")
    parser.add_argument("--output", type=Path, required=True, help="file to write")
    parser.add_argument("--root", type=Path, default=ROOT, help="of the repository")
    arguments = parser.parse_args()
    version = arguments.tag.removeprefix("v")
    others = {file: told for file, told in versions(arguments.root).items() if told != version}
    if arguments.tag == version or others:
        sys.stderr.write(f"The tag {arguments.tag} is not v and the version of every member.\n")
        sys.stderr.writelines(f"{file}: {told}\n" for file, told in others.items())
        return 1
    try:
        text = notes((arguments.root / "CHANGELOG.md").read_text(encoding="utf-8"), version)
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    arguments.output.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
