"""Pushes the site that `docs_version.py` made: the branch `gh-pages`, and nothing else.

The file comes from a job that ran code of others: what it holds can go on where the branch ends,
and replace neither its history nor another branch. Needs git, and leave to push.
"""

import argparse
import subprocess
from typing import Final

BRANCH: Final = "refs/heads/gh-pages"


def main() -> None:
    """Push what a file holds of the branch."""
    parser = argparse.ArgumentParser(description="Push the site.")
    parser.add_argument("bundle", help="file of git's that docs_version.py wrote")
    bundle = parser.parse_args().bundle
    subprocess.run(["git", "fetch", "--quiet", "--no-tags", bundle, BRANCH], check=True)
    subprocess.run(["git", "push", "--quiet", "origin", f"FETCH_HEAD:{BRANCH}"], check=True)


if __name__ == "__main__":
    main()
