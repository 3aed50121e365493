"""Images that a build starts from, made of what this machine has where no registry answers.

Debian's own Python 3.11 stands in for the official image's; both are Debian 12.
"""

import re
import shutil
import tarfile
import tempfile
from pathlib import Path

from uv import find_uv_bin

from images.engine import DOCKERFILE, Engine, ImageError, run
from images.pins import ROOT

RELEASE = "bookworm"
UNREAD = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*")  # as in the official one
CERTIFICATES = "/etc/ssl/certs"


def defaults() -> dict[str, str]:
    """Arguments of the Dockerfile that name images, and the image that each has without being told.

    An argument's value there is a stage, and the stage is an image.
    """
    text = (ROOT / DOCKERFILE).read_text(encoding="utf-8")
    stages = re.findall(r"^FROM (\S+) AS (released-\S+)$", text, re.MULTILINE)
    images = {stage: image for image, stage in stages}
    arguments = re.findall(r"^ARG (\S+)=(released-\S+)$", text, re.MULTILINE)
    return {name: images[stage] for name, stage in arguments}


def start_of(engine: Engine) -> dict[str, str]:
    """Arguments for a build: the images of the Dockerfile, else those that are made here.

    Raises:
        ImageError: no registry answers, and they cannot be made.
    """
    named = defaults()
    if all(engine.pull(reference) for reference in named.values()):
        return named
    if not shutil.which("mmdebstrap"):
        raise ImageError(
            f"No registry answers with {' and '.join(named.values())}, and no mmdebstrap is here to"
            " make a base: apt-get install mmdebstrap, or connect."
        )
    print("no registry answers: the base is made with mmdebstrap, and uv is the one that is here")
    made = {"BASE": "localhost/mlopsproj-base:local", "UV": "localhost/mlopsproj-uv:local"}
    with tempfile.TemporaryDirectory(dir=ROOT / ".nox") as folder:
        debian = Path(folder) / "debian.tar"
        trusted = f"{CERTIFICATES}/ca-certificates.crt"
        run(
            *("mmdebstrap", "--quiet", "--variant=minbase", "--include=python3,ca-certificates"),
            *(f"--dpkgopt=path-exclude={path}" for path in UNREAD),
            # It is built behind what this machine is behind.
            f"--customize-hook=copy-in {trusted} {CERTIFICATES}",
            *(RELEASE, debian),
        )
        engine.take(debian, made["BASE"])
        uv = Path(folder) / "uv.tar"
        with tarfile.open(uv, "w") as archive:
            archive.add(find_uv_bin(), "uv")
        engine.take(uv, made["UV"])
    return made
