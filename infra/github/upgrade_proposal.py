"""Proposes an upgrade: pushes what a new resolution date changed, and opens a pull request of it.

One branch and one pull request: the next upgrade replaces one that nobody took. A push by a
workflow starts no other, so `ci` is started on the branch here. What changed comes from a job that
ran code of others, without a right: of its folder only the files that an upgrade changes are taken.
Needs git, GitHub's `gh`, and leave to push; run in the repository.
"""

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

BRANCH: Final = "upgrade"
FILES: Final = ["pyproject.toml", "requirements.txt", "infra/images/pins"]
_MADE: Final = ["pyproject.toml", "requirements.txt", "infra/images/pins/*.txt"]
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)
_DATE = re.compile(r'^exclude-newer = "(\d{4}-\d{2}-\d{2})', re.MULTILINE)
_IDENTITY = [
    *("-c", "user.name=github-actions[bot]"),
    *("-c", "user.email=41898282+github-actions[bot]@users.noreply.github.com"),
]


def changes(before: str, after: str) -> list[str]:
    """What differs between two exports of a lock, a line for each distribution, by name.

    Args:
        before: a requirements file of pins (`name==version`).
        after: another.
    """
    old, new = _pins(before), _pins(after)
    return [
        f"{name}: {', '.join(old.get(name, [])) or 'new'}"
        f" → {', '.join(new.get(name, [])) or 'gone'}"
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    ]


def _pins(text: str) -> dict[str, list[str]]:
    """Versions by name: one may be pinned to several, for one platform and another."""
    pins: dict[str, list[str]] = {}
    for name, version in _PIN.findall(text):
        pins.setdefault(name, []).append(version)
    return pins


def take(folder: Path, repository: Path) -> None:
    """Copy what an upgrade changes, and nothing else, into the repository.

    Args:
        folder: holds the files as the repository does.
        repository: into which they go.
    """
    for pattern in _MADE:
        for file in sorted(folder.glob(pattern)):
            if file.is_symlink() or not file.is_file():
                raise ValueError(f"{file} is no plain file: nothing is proposed.")
            (repository / file.relative_to(folder)).write_bytes(file.read_bytes())


def _run(*command: str) -> str:
    return subprocess.run(
        command, check=True, stdout=subprocess.PIPE, encoding="utf-8"
    ).stdout.strip()


def main() -> None:
    """Push the branch, open its pull request unless one is open, and have it checked."""
    parser = argparse.ArgumentParser(description="Propose an upgrade.")
    parser.add_argument("folder", type=Path, help="holds the files that the upgrade changed")
    take(parser.parse_args().folder, Path())
    if not _run("git", "status", "--porcelain", "--", *FILES):
        sys.stdout.write("Nothing to propose: the new date changes nothing.\n")
        return
    old = _run("git", "show", "HEAD:requirements.txt")
    lines = changes(old, Path("requirements.txt").read_text(encoding="utf-8"))
    dates = _DATE.findall(Path("pyproject.toml").read_text(encoding="utf-8"))
    title = f"Upgrade to the releases of {dates[0]}"
    moved = "\n".join(f"- {line}" for line in lines) or "No distribution changes."
    body = f"The resolution date is {dates[0]}.\n\n{moved}\n"

    _run("git", "switch", "--quiet", "--force-create", BRANCH)
    _run("git", "add", "--", *FILES)
    _run("git", *_IDENTITY, "commit", "--quiet", f"--message={title}\n\n{moved}", "--", *FILES)
    _run("git", "push", "--quiet", "--force", "origin", BRANCH)
    of_branch = ("--head", BRANCH)
    opened = json.loads(_run("gh", "pr", "list", *of_branch, "--state=open", "--json=number"))
    if opened:
        _run("gh", "pr", "edit", str(opened[0]["number"]), f"--title={title}", f"--body={body}")
    else:
        _run("gh", "pr", "create", *of_branch, f"--title={title}", f"--body={body}")
    _run("gh", "workflow", "run", "ci.yml", "--ref", BRANCH)
    sys.stdout.write(f"{title}: {len(lines)} distributions change.\n")


if __name__ == "__main__":
    main()
