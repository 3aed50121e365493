"""The engine of a machine without a Docker daemon: Debian's buildah, as root.

Nothing of it outlives the trial: images, layers and volumes stand in a folder of its own. A
container is a process in a mount namespace whose root is the image's, read-only.
"""

import json
import os
import shlex
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from uv import find_uv_bin

from images.engine import DOCKERFILE, Container, answers, run
from images.pins import ROOT

OWNER = 65532
# Nothing is pulled that has to be signed; the base may be made here.
POLICY = {"default": [{"type": "insecureAcceptAnything"}]}


class Buildah:
    """Buildah with chroot isolation, which needs no namespaces but the mounts'."""

    def __init__(self) -> None:
        # Beside the environments: a temporary folder in memory would not hold PyTorch.
        (ROOT / ".nox").mkdir(exist_ok=True)
        self._folder = Path(tempfile.mkdtemp(prefix="images-", dir=ROOT / ".nox"))
        policy = self._folder / "policy.json"
        policy.write_text(json.dumps(POLICY), encoding="utf-8")
        self._policy = f"--signature-policy={policy}"
        store = (
            "buildah",
            f"--root={self._folder / 'storage'}",
            f"--runroot={self._folder / 'run'}",
        )
        # Overlays cannot lie on another overlay, as where this machine is a container itself.
        overlay = answers(*store, "--storage-driver=overlay", "info")
        self._command = (*store, f"--storage-driver={'overlay' if overlay else 'vfs'}")
        # The build's cache mount `uv` is uv's own cache: what was once downloaded is here.
        scratch = self._folder / "scratch"
        cache = scratch / "buildah-cache"
        cache.mkdir(parents=True)
        uv_cache = run(find_uv_bin(), "cache", "dir").strip()
        Path(uv_cache).mkdir(parents=True, exist_ok=True)
        (cache / "uv").symlink_to(uv_cache)
        self._environment = {**os.environ, "TMPDIR": str(scratch)}

    @staticmethod
    def here() -> bool:
        """Whether buildah is, and may mount."""
        return answers("buildah", "--version") and answers("unshare", "--mount", "true")

    def _buildah(self, *arguments: str | Path) -> str:
        return run(*self._command, *arguments, environment=self._environment)

    def pull(self, reference: str) -> bool:
        """Whether the image is here now, from a registry."""
        return answers(*self._command, "pull", "--quiet", self._policy, reference)

    def take(self, archive: Path, reference: str) -> None:
        """Make an image of a root file system."""
        container = self._buildah("from", "scratch").strip()
        self._buildah("add", "--quiet", container, archive, "/")
        self._buildah("commit", "--quiet", "--rm", self._policy, container, reference)

    def build(
        self, target: str, reference: str, arguments: Mapping[str, str], file: str = DOCKERFILE
    ) -> None:
        """Build a target of the Dockerfile."""
        # It makes the stages that nothing needs, too: let them be what is taken in their place.
        stages = {"released-python": arguments["BASE"], "released-uv": arguments["UV"]}
        self._buildah(
            *("bud", "--quiet", self._policy, "--isolation=chroot", "--pull=never"),
            *("--format=docker", f"--file={file}", f"--target={target}"),
            *(f"--build-context={name}=container-image://{at}" for name, at in stages.items()),
            *(f"--build-arg={name}={value}" for name, value in arguments.items()),
            *(f"--tag={reference}", "."),
        )

    def _config(self, reference: str) -> dict[str, Any]:
        told = json.loads(self._buildah("inspect", "--type=image", reference))
        return dict(told["OCIv1"]["config"])

    def _mount(self, reference: str) -> Path:
        container = self._buildah("from", "--pull-never", self._policy, reference).strip()
        return Path(self._buildah("mount", container).strip())

    def size(self, reference: str) -> int:
        """Bytes of the image's files."""
        files: dict[int, int] = {}
        for folder, names, others in os.walk(self._mount(reference)):
            for name in (*names, *others):
                told = os.lstat(Path(folder) / name)
                files[told.st_ino] = told.st_size
        return sum(files.values())

    def labels(self, reference: str) -> Mapping[str, str]:
        """Labels of the image."""
        return dict(self._config(reference).get("Labels") or {})

    def volume(self, name: str) -> str:
        """A new folder of the images' user."""
        folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self._folder))
        os.chown(folder, OWNER, OWNER)
        return str(folder)

    def command_line(self, container: Container) -> list[str]:
        """What is the container: each program of the line replaces the one before."""
        config = self._config(container.reference)
        root = self._mount(container.reference)
        user, group = config["User"].split(":")
        steps = [f"mount --bind {root} {root}"]
        for mount in container.mounts:
            source, target, *read_only = mount.split(":")
            (root / target.lstrip("/")).mkdir(parents=True, exist_ok=True)
            steps.append(f"mount --bind {shlex.quote(source)} {root}{target}")
            if read_only:
                steps.append(f"mount -o remount,bind,ro {root}{target}")
        steps += [
            f"mount -o remount,bind,ro {root}",
            f"mount -t tmpfs -o mode=1777 tmpfs {root / 'tmp'}",
            f"mount -t proc proc {root / 'proc'}",
            f"mount --rbind /dev {root / 'dev'}",
            f"mount --rbind /sys {root / 'sys'}",
        ]
        values = dict(value.split("=", 1) for value in config["Env"]) | dict(container.environment)
        inside = [
            *("setpriv", "--no-new-privs"),
            *("unshare", f"--root={root}", f"--wd={config['WorkingDir']}"),
            *(f"--setgid={group}", f"--setuid={user}", "env", "--ignore-environment"),
            *(f"{name}={value}" for name, value in values.items()),
            *(container.command or config["Cmd"]),
        ]
        script = " && ".join([*steps, f"exec {shlex.join(inside)}"])
        return ["unshare", "--mount", "--propagation=private", "sh", "-c", script]

    def close(self) -> None:
        """Remove everything."""
        self._buildah("umount", "--all")
        self._buildah("rm", "--all")
        shutil.rmtree(self._folder)
