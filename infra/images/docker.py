"""The engine where a Docker daemon answers."""

import json
import os
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from images.engine import DOCKERFILE, Container, answers, run


class Docker:
    """Docker with BuildKit, as the one who calls may use it."""

    def __init__(self) -> None:
        self._volumes: list[str] = []

    @staticmethod
    def here() -> bool:
        """Whether a daemon answers."""
        return answers("docker", "info")

    def pull(self, reference: str) -> bool:
        """Whether the image is here now, from a registry or from before."""
        return answers("docker", "image", "inspect", reference) or answers(
            "docker", "pull", "--quiet", reference
        )

    def take(self, archive: Path, reference: str) -> None:
        """Make an image of a root file system."""
        run("docker", "import", archive, reference)

    def build(
        self, target: str, reference: str, arguments: Mapping[str, str], file: str = DOCKERFILE
    ) -> None:
        """Build a target of the Dockerfile."""
        run(
            *("docker", "build", "--network=host", "--progress=plain", f"--file={file}"),
            *(f"--target={target}", f"--tag={reference}"),
            *(f"--build-arg={name}={value}" for name, value in arguments.items()),
            ".",
            environment={**os.environ, "DOCKER_BUILDKIT": "1"},
        )

    def _inspect(self, reference: str) -> dict[str, Any]:
        (told,) = json.loads(run("docker", "image", "inspect", reference))
        return dict(told)

    def size(self, reference: str) -> int:
        """Bytes of the image's files."""
        return int(self._inspect(reference)["Size"])

    def labels(self, reference: str) -> Mapping[str, str]:
        """Labels of the image."""
        return dict(self._inspect(reference)["Config"]["Labels"] or {})

    def volume(self, name: str) -> str:
        """A new volume; Docker gives it the owner of the folder in the image."""
        self._volumes.append(f"mlopsproj-{name}-{uuid.uuid4().hex[:8]}")
        run("docker", "volume", "create", self._volumes[-1])
        return self._volumes[-1]

    def command_line(self, container: Container) -> list[str]:
        """What is the container: attached, it passes signals on."""
        return [
            *("docker", "run", "--rm", "--network=host", "--read-only", "--tmpfs=/tmp"),
            *("--cap-drop=ALL", "--security-opt=no-new-privileges"),
            *(f"--volume={mount}" for mount in container.mounts),
            *(f"--env={name}={value}" for name, value in container.environment.items()),
            container.reference,
            *container.command,
        ]

    def close(self) -> None:
        """Remove the volumes; the images stay, as after any `docker build`."""
        for volume in self._volumes:
            answers("docker", "volume", "rm", volume)
