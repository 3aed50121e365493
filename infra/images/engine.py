"""What a trial asks of a container engine, and which engine this machine has."""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from images.pins import ROOT

DOCKERFILE = "infra/images/Dockerfile"


class ImageError(Exception):
    """An image that cannot be built or does not do what it is for; the text says which and why."""


@dataclass(frozen=True)
class Container:
    """A process in an image.

    Attributes:
        reference: of the image.
        command: in place of the image's own.
        environment: besides the image's own.
        mounts: `SOURCE:TARGET` or `SOURCE:TARGET:ro`; a source is a volume or a folder.
    """

    reference: str
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    mounts: tuple[str, ...] = ()


class Engine(Protocol):
    """Builds images and runs containers."""

    def pull(self, reference: str) -> bool:
        """Whether the image is here now, from a registry or from before."""

    def take(self, archive: Path, reference: str) -> None:
        """Make an image of a root file system, a tar archive, and call it `reference`."""

    def build(
        self, target: str, reference: str, arguments: Mapping[str, str], file: str = DOCKERFILE
    ) -> None:
        """Build a target of the Dockerfile, or of another, and call it `reference`.

        Raises:
            ImageError: it does not build.
        """

    def size(self, reference: str) -> int:
        """Bytes of the image's files, uncompressed."""

    def labels(self, reference: str) -> Mapping[str, str]:
        """Labels of the image."""

    def volume(self, name: str) -> str:
        """A new volume that the images' user may write: the source of a mount."""

    def command_line(self, container: Container) -> list[str]:
        """What is the container: it ends when that ends, and with its code.

        The root file system is read-only but for /tmp, capabilities are dropped, the network is
        the machine's. SIGTERM reaches the container's process.
        """

    def close(self) -> None:
        """Remove the volumes, and what else was made for the trial alone."""


def run(*command: str | Path, environment: Mapping[str, str] | None = None) -> str:
    """Stdout of a command of the engine, in the repository; stderr is shown.

    Raises:
        ImageError: it fails.
    """
    told = subprocess.run(
        [str(part) for part in command],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        check=False,
    )
    if told.returncode:
        sys.stderr.write(told.stdout)
        line = " ".join(map(str, command[:4]))
        raise ImageError(f"{line} … ended with {told.returncode}.")
    return told.stdout


def answers(*command: str) -> bool:
    """Whether a command is there and ends with 0."""
    if not shutil.which(command[0]):
        return False
    return (
        subprocess.run(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False
        ).returncode
        == 0
    )
