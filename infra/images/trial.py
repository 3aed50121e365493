"""Builds the images and tries them: trains in one, is answered by another, ends both.

`python -m images.trial` in `infra/`. With Docker where a daemon answers, else with buildah.
"""

import io
import subprocess
import sys
from collections.abc import Mapping

from PIL import Image as Picture

from images import base_image
from images.buildah import Buildah
from images.docker import Docker
from images.engine import Container, Engine, ImageError
from images.pins import IMAGES, ROOT
from images.service import serving

MOST_ADDED = 300 * 10**6  # bytes, by the api's image to its base
LABELS = {
    "org.opencontainers.image.version": "0.0.0+trial",
    "org.opencontainers.image.revision": "0" * 40,
}
SAMPLE = ROOT / "packages/data/src/mlopsproj_data/sample/test.png"
SIDE = 28  # pixels of an image of the sample
TRAINING_SECONDS = 600


def engine_here() -> Engine:
    """The engine of this machine.

    Raises:
        ImageError: there is none.
    """
    for engine in (Docker, Buildah):
        if engine.here():
            return engine()
    raise ImageError(
        "No container engine: docker does not answer, and buildah is not here or not run as root."
        " Start Docker, or apt-get install buildah mmdebstrap."
    )


def build(engine: Engine, start: Mapping[str, str], name: str) -> str:
    """Build an image, hold its labels and the api's size, and give its reference.

    Raises:
        ImageError: it does not build, or is not what it should be.
    """
    reference = f"localhost/mlopsproj-{name}:local"
    version, revision = LABELS.values()
    named = {"IMAGE": name, "VERSION": version, "REVISION": revision}
    engine.build(name, reference, {**start, **named})
    labels = engine.labels(reference)
    if not LABELS.items() <= labels.items():
        raise ImageError(f"{name} is labelled {labels}, not {LABELS}.")
    size, below = engine.size(reference), engine.size(start["BASE"])
    print(f"{name:8} {size / 1e6:,.0f} MB, {(size - below) / 1e6:,.0f} MB on its base", flush=True)
    if name == "api" and size - below > MOST_ADDED:
        raise ImageError(f"That is more than the {MOST_ADDED / 1e6:.0f} MB that it may add.")
    return reference


def train(engine: Engine, reference: str, folder: str) -> str:
    """Train for an epoch in a container; what it writes is in the volume `folder`.

    Returns:
        Its line about accuracy.

    Raises:
        ImageError: it ends with an error.
    """
    command = ("train", "experiment=quick")
    line = engine.command_line(Container(reference, command, mounts=(f"{folder}:/data",)))
    told = subprocess.run(
        line, capture_output=True, encoding="utf-8", timeout=TRAINING_SECONDS, check=False
    )
    if told.returncode:
        raise ImageError(f"train ended with {told.returncode}:\n{told.stdout}{told.stderr}")
    return next(line for line in told.stdout.splitlines() if line.startswith("accuracy"))


def first_picture() -> bytes:
    """The first test image of the sample, as PNG."""
    out = io.BytesIO()
    with Picture.open(SAMPLE) as sheet:
        sheet.crop((0, 0, SIDE, SIDE)).save(out, "PNG")
    return out.getvalue()


def trial(engine: Engine) -> None:
    """Everything that is claimed of the images.

    Raises:
        ImageError: something of it does not hold.
    """
    start = base_image.start_of(engine)
    built = {image.name: build(engine, start, image.name) for image in IMAGES}
    folders = {name: engine.volume(name) for name in ("models", "api", "monitor")}
    print(f"train    {train(engine, built['train'], folders['models'])}", flush=True)
    with serving(engine, built["api"], "api", folders) as api:
        print(f"api      answers {api.predict(first_picture())}", flush=True)
    with serving(engine, built["monitor"], "monitor", folders):
        print("monitor  is ready", flush=True)


def main() -> int:
    """Try the images with the engine of this machine."""
    try:
        engine = engine_here()
        print(f"{type(engine).__name__} builds {', '.join(image.name for image in IMAGES)}")
        try:
            trial(engine)
        finally:
            engine.close()
    except ImageError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
