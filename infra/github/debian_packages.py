"""Installs what tests across members need of Debian or Ubuntu; puts PostgreSQL's tools on the PATH.

For a runner of GitHub, where sudo asks for nothing. Tests skip what is not installed.
"""

import os
import subprocess
from pathlib import Path
from typing import Final

PACKAGES: Final = [
    "dataset-fashion-mnist",
    "postgresql",
    "prometheus",
    "prometheus-alertmanager",
]
POSTGRESQL: Final = Path("/usr/lib/postgresql")


def tools_of(postgresql: Path) -> Path | None:
    """The folder of the tools of the newest PostgreSQL, if there is one.

    Args:
        postgresql: holds a folder for each version, named by its number.
    """
    folders = [path for path in postgresql.glob("*/bin") if path.parent.name.isdigit()]
    return max(folders, key=lambda path: int(path.parent.name), default=None)


def add_to_path(folder: Path, file: Path) -> None:
    """Put a folder on the PATH of the steps that follow.

    Args:
        folder: holds programs.
        file: that GitHub reads, `$GITHUB_PATH`.
    """
    with file.open("a", encoding="utf-8") as lines:
        lines.write(f"{folder}\n")


def main() -> None:
    """Install the packages, and tell the steps that follow where PostgreSQL's tools are."""
    apt = ["sudo", "DEBIAN_FRONTEND=noninteractive", "apt-get"]
    subprocess.run([*apt, "update"], check=True)
    subprocess.run([*apt, "install", "--yes", "--no-install-recommends", *PACKAGES], check=True)
    tools = tools_of(POSTGRESQL)
    if tools is None:
        message = f"{POSTGRESQL} holds no version of PostgreSQL"
        raise FileNotFoundError(message)
    add_to_path(tools, Path(os.environ["GITHUB_PATH"]))


if __name__ == "__main__":
    main()
