"""Makes room on a runner of GitHub, by removing toolchains that nothing here uses.

An image with CUDA is built of layers of 6 GB each, for which the 14 GB that a runner promises do
not suffice. Only for a runner, which is thrown away: what is removed is gone.
"""

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

UNUSED: Final = [
    "opt/ghc",
    "opt/hostedtoolcache/CodeQL",
    "usr/local/.ghcup",
    "usr/local/lib/android",
    "usr/share/dotnet",
    "usr/share/swift",
]


def unused(root: Path) -> list[Path]:
    """The toolchains that are there.

    Args:
        root: of the file system.
    """
    return [root / folder for folder in UNUSED if (root / folder).is_dir()]


def main() -> int:
    """Remove them, and say how much is free then; 1 where this is no runner."""
    parser = argparse.ArgumentParser(description="Remove what a runner has and nobody uses.")
    parser.add_argument("--root", type=Path, default=Path("/"), help="of the file system")
    root = parser.parse_args().root
    if os.environ.get("GITHUB_ACTIONS") != "true":
        sys.stderr.write("This removes toolchains of a machine, and this is no runner of GitHub.\n")
        return 1
    before = shutil.disk_usage(root).free
    for folder in unused(root):
        subprocess.run(["sudo", "rm", "-rf", "--one-file-system", str(folder)], check=True)
    after = shutil.disk_usage(root).free
    sys.stdout.write(f"Free: {after / 2**30:.1f} GiB, before {before / 2**30:.1f} GiB.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
