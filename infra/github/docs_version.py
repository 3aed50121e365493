"""Makes a version of the site, with mike: `dev`, or that of a release, as the branch `gh-pages`.

The site of `v0.1.2` is `0.1`: a patch replaces it. `latest` is the highest release, to which who
names no version is led; before there is one, that is `dev`. What makes the site is code of others,
which may push nothing: the branch is handed over in a file, to `docs_push.py`. Needs git, and what
the dependency group `docs` installs.
"""

import argparse
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

BRANCH: Final = "gh-pages"
DEV: Final = "dev"
LATEST: Final = "latest"
_RELEASE = re.compile(r"^refs/tags/v(\d+\.\d+)\.\d+$")
_IDENTITY = {
    "GIT_COMMITTER_NAME": "github-actions[bot]",
    "GIT_COMMITTER_EMAIL": "41898282+github-actions[bot]@users.noreply.github.com",
}


def version_of(ref: str) -> str | None:
    """The version of the site that a ref publishes; none for a tag before a release (`v0.2.0rc1`).

    Args:
        ref: in full, e.g. `refs/heads/main` or `refs/tags/v0.1.2`.
    """
    if not ref.startswith("refs/tags/"):
        return DEV
    release = _RELEASE.match(ref)
    return release[1] if release else None


def is_latest(version: str, published: list[str]) -> bool:
    """Whether a version of the site is a release, and none that is published is higher.

    Args:
        version: of the site.
        published: the versions that the site has.
    """
    releases = [_numbers(each) for each in published if each != DEV]
    return version != DEV and _numbers(version) >= max(releases, default=())


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in version.split("."))


def _mike(*arguments: str) -> str:
    return subprocess.run(
        ["mike", *arguments],
        check=True,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        env={**os.environ, **_IDENTITY},
    ).stdout


def main() -> int:
    """Make what a ref stands for, and lead to the highest release."""
    parser = argparse.ArgumentParser(description="Make a version of the site.")
    parser.add_argument("ref", help="refs/heads/main or refs/tags/v0.1.2")
    parser.add_argument("bundle", help="file of git's that the branch is written to")
    arguments = parser.parse_args()
    version = version_of(arguments.ref)
    if version is None:
        sys.stdout.write("No version of the site is made before a release.\n")
        return 0
    published = [str(told["version"]) for told in json.loads(_mike("list", "--json"))]
    to = [version, LATEST] if is_latest(version, published) else [version]
    _mike("deploy", "--update-aliases", *to)
    if LATEST in to or all(each == DEV for each in published):
        _mike("set-default", "--allow-empty", to[-1])
    subprocess.run(["git", "bundle", "create", "--quiet", arguments.bundle, BRANCH], check=True)
    if "GITHUB_OUTPUT" in os.environ:  # whether there is something to push
        with Path(os.environ["GITHUB_OUTPUT"]).open("a", encoding="utf-8") as outputs:
            outputs.write(f"version={version}\n")
    sys.stdout.write(f"Made: {', '.join(to)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
