"""A clone and its origin, with real git, for tests of what commits and pushes."""

import subprocess
from pathlib import Path

IDENTITY = ("-c", "user.name=a", "-c", "user.email=a@example.org")


class ClonedRepository:
    """An empty clone of an empty, bare origin."""

    def __init__(self, folder: Path) -> None:
        self.origin, self.clone = folder / "origin", folder / "clone"
        self.git("init", "--quiet", "--bare", "--initial-branch=main", self.origin, at=folder)
        self.git("clone", "--quiet", self.origin, self.clone, at=folder)

    def git(self, *arguments: object, at: Path | None = None) -> str:
        """Run git in the clone, or in another folder; what it wrote."""
        return subprocess.run(
            ["git", *map(str, arguments)],
            cwd=at or self.clone,
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    def commit_all(self) -> None:
        """Commit everything that lies in the clone."""
        self.git("add", ".")
        self.git(*IDENTITY, "commit", "--quiet", "--message=first")
