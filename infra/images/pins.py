"""What each image installs, pinned with hashes: the files in `pins/`.

`python -m images.pins` in `infra/` holds them against what the workspace resolves to; `--write`
writes them anew. They stand in the repository so that `docker build` needs nothing else. Knows
nothing of how an image is built.
"""

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from uv import find_uv_bin

ROOT = Path(__file__).parents[2]
PINS = Path(__file__).parent / "pins"
# What builds wheels of the members, and of antlr4-python3-runtime, which has none.
BUILD_SYSTEM = ("hatchling>=1.27", "setuptools>=75", "wheel>=0.45")


@dataclass(frozen=True)
class Image:
    """An image: a member with extras.

    Attributes:
        name: of the image, and of the target in the Dockerfile.
        distribution: the member.
        extras: of the member.
    """

    name: str
    distribution: str
    extras: tuple[str, ...] = ()


IMAGES = (
    Image("api", "mlopsproj-api", ("gcs", "postgresql")),
    Image("monitor", "mlopsproj-monitor", ("gcs", "postgresql")),
    Image("train", "mlopsproj-train", ("efficientnet",)),
)


def _uv(*arguments: str, told: str | None = None) -> str:
    return subprocess.run(
        [find_uv_bin(), *arguments],
        cwd=ROOT,
        input=told,
        stdout=subprocess.PIPE,
        check=True,
        encoding="utf-8",
    ).stdout


def pins_of(image: Image) -> tuple[str, str]:
    """Requirements with hashes, and the folders of the members, of what `uv.lock` says."""
    exported = _uv(
        *("export", "--quiet", "--frozen", f"--package={image.distribution}", "--no-dev"),
        *(f"--extra={extra}" for extra in image.extras),
        *("--no-header", "--no-annotate"),
    )
    members = re.findall(r"^-e \./(\S+)\n", exported, re.MULTILINE)
    requirements = re.sub(r"^-e .*\n", "", exported, flags=re.MULTILINE)
    return requirements, "".join(f"{member}\n" for member in members)


def build_system() -> str:
    """Requirements with hashes of what builds wheels."""
    compile_ = ("pip", "compile", "--quiet", "--generate-hashes", "--universal")
    tail = ("--no-header", "--no-annotate", "--python-version=3.11", "-")
    return _uv(*compile_, *tail, told="\n".join(BUILD_SYSTEM))


def files() -> dict[str, str]:
    """Names in `pins/`, and what each holds; asks the package index."""
    wanted = {"build-system.txt": build_system()}
    for image in IMAGES:
        requirements, members = pins_of(image)
        wanted |= {f"{image.name}.txt": requirements, f"{image.name}.members.txt": members}
    return wanted


def main() -> int:
    """Write the files, or say which are not what they should be."""
    wanted = files()
    if "--write" in sys.argv[1:]:
        PINS.mkdir(exist_ok=True)
        for name, text in wanted.items():
            (PINS / name).write_text(text, encoding="utf-8")
        return 0
    stale = [
        name
        for name, text in wanted.items()
        if not (PINS / name).exists() or (PINS / name).read_text(encoding="utf-8") != text
    ]
    if stale:
        sys.stderr.write(
            f"infra/images/pins: {', '.join(stale)} is not what the members resolve to: run"
            " uv run nox -s lock -- --write and commit it.\n"
        )
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
