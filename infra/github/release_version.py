"""The one version of all members: refuses a tag that is another, or raises it everywhere.

A member asks for exactly its own version of another, since they are tested and released together.
The root's `pyproject.toml` is not published and asks for any. Knows nothing of what a release
changes.
"""

import argparse
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]
_VERSION = re.compile(r'^version = "[^"]*"$', re.MULTILINE)
_MEMBER = re.compile(r"mlopsproj-[a-z-]+(?:\[[a-z0-9,-]+\])?")
_PIN = re.compile(rf'"({_MEMBER.pattern})==[^"]*"')
_NUMBER = re.compile(r"\d+\.\d+\.\d+(?:(?:a|b|rc)\d+)?")


def files(root: Path) -> list[Path]:
    """The `pyproject.toml` of the workspace and of every member.

    Args:
        root: of the repository.
    """
    return [root / "pyproject.toml", *sorted(root.glob("*/*/pyproject.toml"))]


def differences(root: Path, version: str) -> Iterator[str]:
    """What is of another version, a line each.

    Args:
        root: of the repository.
        version: that all should be of.
    """
    for file in files(root):
        project = tomllib.loads(file.read_text(encoding="utf-8"))["project"]
        name = file.relative_to(root).as_posix()
        if project["version"] != version:
            yield f"{name}: version {project['version']}"
        for asked in _members_that_are_asked_for(project) if file.parent != root else ():
            if asked.partition("==")[2] != version:
                yield f"{name}: {asked}"


def _members_that_are_asked_for(project: dict[str, Any]) -> Iterator[str]:
    for asked in (
        *project.get("dependencies", ()),
        *(each for extra in project.get("optional-dependencies", {}).values() for each in extra),
    ):
        if _MEMBER.match(asked):
            yield asked


def raised(text: str, version: str) -> str:
    """The text of a `pyproject.toml` with another version.

    Args:
        text: of a file of the workspace.
        version: the new one.
    """
    return _PIN.sub(rf'"\1=={version}"', _VERSION.sub(f'version = "{version}"', text, count=1))


def main() -> int:
    """Raise the version, or hold all against a tag; 1 if something differs."""
    parser = argparse.ArgumentParser(description="Raise or check the version of every member.")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--check", metavar="TAG", help="for example v0.1.0")
    what.add_argument("--write", metavar="VERSION", help="for example 0.1.0")
    parser.add_argument("--root", type=Path, default=ROOT, help="of the repository")
    arguments = parser.parse_args()
    version = arguments.write or arguments.check.removeprefix("v")
    if _NUMBER.fullmatch(version) is None or version == arguments.check:
        sys.stderr.write(
            f"{arguments.write or arguments.check} is not 0.1.0, or v0.1.0 of a tag.\n"
        )
        return 1
    if arguments.write:
        for file in files(arguments.root):
            text = raised(file.read_text(encoding="utf-8"), version)
            file.write_text(text, encoding="utf-8", newline="\n")
    others = list(differences(arguments.root, version))
    if others:
        sys.stderr.write(f"Not everything is of version {version}:\n")
        sys.stderr.writelines(f"{line}\n" for line in others)
    return 1 if others else 0


if __name__ == "__main__":
    sys.exit(main())
