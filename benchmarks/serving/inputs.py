"""The models that are served and the JPEG files that are sent, made once and kept in `.cache`.

Both models come out of `train` itself, without network access: the small one of the sample, and
EfficientNet-Lite0, which `model=auto` takes for photographs, at the 160 pixels that it picks for
them. How well they classify does not matter here, so that one epoch is enough.
"""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from mlopsproj_core.registry import Registry
from photographs import photograph

CACHE = Path(__file__).parents[1] / ".cache" / "serving"

ModelName = Literal["small", "efficientnet"]
MODELS: tuple[ModelName, ...] = ("small", "efficientnet")

Form = Literal["raw", "multipart"]
_BOUNDARY = "--------------------5f2d4b1c"
CONTENT_TYPES: dict[Form, str] = {
    "raw": "image/jpeg",
    "multipart": f"multipart/form-data; boundary={_BOUNDARY}",
}

_QUALITY = 85
_TRAINED_ON = 120
"""Photographs: enough that every split has some."""


@dataclass(frozen=True)
class Jpegs:
    """Distinct files of one size.

    Attributes:
        width: in pixels.
        height: in pixels.
        count: of files.
    """

    width: int
    height: int
    count: int

    @property
    def name(self) -> str:
        """As results are called."""
        return f"{self.width}x{self.height}"


SIZES = (Jpegs(100, 100, 512), Jpegs(1000, 750, 96))


@dataclass(frozen=True)
class Served:
    """A model in a registry of its own, where production points at it.

    Attributes:
        name: as results are called.
        registry: folder of the registry.
        bundle: folder of the bundle.
    """

    name: ModelName
    registry: Path
    bundle: Path


def model(name: ModelName) -> Served:
    """Train it unless that is done."""
    registry = _cache() / "models" / name
    if not registry.exists():
        print(f"training {name}, once", flush=True)
        unfinished = registry.with_name(f"{name}-unfinished")
        command = [
            *(str(Path(sys.executable).parent / "train"), "trainer.max_epochs=1"),
            *("logger.wandb=disabled", f"registry={unfinished}", f"run_dir={_cache()}/runs/{name}"),
            f"data.prepared_dir={_cache()}/prepared",
        ]
        if name == "efficientnet":
            command.append(f"data.path={_class_folders()}")
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        _into_production(unfinished)
        unfinished.rename(registry)
    opened = Registry(str(registry))
    return Served(name, registry, opened.fetch(opened.resolve("@production")))


def bodies(jpegs: Jpegs, form: Form, field: str = "file") -> Path:
    """A folder of request bodies, one file each, and `names.txt`, which lists them.

    Args:
        jpegs: that are sent.
        form: how a body carries its image.
        field: of a form, that holds the image.
    """
    folder = _cache() / "bodies" / f"{jpegs.name}-{form}-{field}"
    if not folder.exists():
        unfinished = folder.with_name(f"{folder.name}-unfinished")
        unfinished.mkdir(parents=True, exist_ok=True)
        sources = sorted(_files(jpegs).glob("*.jpg"))
        for source in sources:
            (unfinished / source.stem).write_bytes(_body(source.read_bytes(), form, field))
        names = "".join(f"{source.stem}\n" for source in sources)
        (unfinished / "names.txt").write_text(names, encoding="utf-8")
        unfinished.rename(folder)
    return folder


def images(jpegs: Jpegs) -> list[bytes]:
    """The files themselves."""
    return [path.read_bytes() for path in sorted(_files(jpegs).glob("*.jpg"))]


def _body(image: bytes, form: Form, field: str) -> bytes:
    if form == "raw":
        return image
    head = (
        f"--{_BOUNDARY}\r\n"
        f'Content-Disposition: form-data; name="{field}"; filename="photo.jpg"\r\n'
        "Content-Type: image/jpeg\r\n\r\n"
    )
    return head.encode() + image + f"\r\n--{_BOUNDARY}--\r\n".encode()


def _files(jpegs: Jpegs) -> Path:
    folder = _cache() / "jpegs" / jpegs.name
    if not folder.exists():
        unfinished = folder.with_name(f"{folder.name}-unfinished")
        unfinished.mkdir(parents=True, exist_ok=True)
        generator = np.random.default_rng(0)
        for number in range(jpegs.count):
            image = photograph(generator, jpegs.width, jpegs.height)
            image.save(unfinished / f"{number:04}.jpg", quality=_QUALITY)
        unfinished.rename(folder)
    return folder


def _class_folders() -> Path:
    """Photographs of two classes, of the larger size, for training."""
    folder = _cache() / "training"
    generator = np.random.default_rng(1)
    for number in range(_TRAINED_ON):
        path = folder / f"class_{number % 2}" / f"{number:04}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        photograph(generator, 500, 375).save(path, quality=_QUALITY)
    return folder


def _into_production(registry: Path) -> None:
    """Whatever the gates say of a model that has hardly learned anything."""
    opened = Registry(str(registry))
    (name,) = opened.names()
    if not opened.history(name, "production"):
        number = opened.versions(name)[-1]
        opened.move_alias(name, "production", number, actor="benchmark", reason="speed only")


def _cache() -> Path:
    """The folder, which hides itself from git as those of pytest and mypy do."""
    CACHE.mkdir(parents=True, exist_ok=True)
    (CACHE.parent / ".gitignore").write_text("*\n", encoding="utf-8")
    return CACHE
