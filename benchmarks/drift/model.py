"""A model of Fashion-MNIST with 55,000 images that it never saw, and all that it says of them.

The complete data set has 10,000 test images, too few for a reference and windows disjoint from it:
here 12,000 images train, 3,000 validate and 55,000 are held out. Everything is made once and kept
in the working folder. Knows nothing of detectors.
"""

import csv
import gzip
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from mlopsproj_core.bundle import Bundle
from mlopsproj_core.image import Pixels, PreparedImage, prepare_images
from mlopsproj_core.predictor import Predictor
from mlopsproj_evaluation.corruptions.corrupting import corrupt
from mlopsproj_monitoring import Sample
from PIL import Image

DEBIAN: Final = Path("/usr/share/datasets/fashion-mnist")
"""Of the Debian package `dataset-fashion-mnist`."""

CLASSES: Final = (
    *("T-shirt", "Trouser", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)
STATISTICS: Final = ("width", "height", "brightness", "contrast", "sharpness", "saturation")
TRAIN, VALIDATION = 12_000, 3_000
EPOCHS = 6
_BATCH = 1000


@dataclass(frozen=True, eq=False)
class HeldOut:
    """A trained model and the images that were kept from it.

    Attributes:
        bundle: of the model.
        images: `(55000, 28, 28, 1)` uint8.
        labels: `(55000,)` int64, indices into the bundle's classes.
        sample: what the model says of the images as they are.
        work: folder where more is kept.
    """

    bundle: Bundle
    images: Pixels
    labels: npt.NDArray[np.int64]
    sample: Sample
    work: Path

    @property
    def ids(self) -> Sequence[str]:
        """One for each image, the same in every run."""
        return self.sample.ids

    def corrupted(self, rows: npt.NDArray[np.int64], name: str, severity: int) -> Sample:
        """What the model says of some images, spoilt.

        Args:
            rows: of the held-out images; the same ones at every call, since answers are kept.
            name: of the corruption.
            severity: 1 to 5.
        """
        path = self.work / "corrupted" / f"{name}-{severity}-{len(rows)}.npz"
        ids = [self.ids[row] for row in rows]
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            spoilt = corrupt(self.images[rows], ids, name, severity)
            _keep(path, self.bundle, spoilt)
        return _read(path, ids, self.labels[rows])


def held_out(work: Path) -> HeldOut:
    """Train the model, unless the working folder holds it."""
    work.mkdir(parents=True, exist_ok=True)
    images, labels = _complete()
    order = np.random.default_rng(0).permutation(len(images))
    images, labels = images[order], labels[order]
    if not (work / "run" / "bundle" / "manifest.json").exists():
        _train(work, images, labels)
    bundle = Bundle.open(work / "run" / "bundle")
    of_manifest = np.array([bundle.manifest.classes.index(name) for name in CLASSES])
    first = TRAIN + VALIDATION
    images, labels = images[first:], of_manifest[labels[first:]]
    ids = [f"{number:064x}" for number in order[first:].tolist()]
    path = work / "held_out.npz"
    if not path.exists():
        _keep(path, bundle, images)
    return HeldOut(bundle, images, labels, _read(path, ids, labels), work)


def _complete() -> tuple[Pixels, npt.NDArray[np.int64]]:
    if not DEBIAN.exists():
        sys.exit(f"{DEBIAN} does not exist: apt-get install dataset-fashion-mnist.")
    images, labels = [], []
    for split in ("train", "t10k"):
        with gzip.open(DEBIAN / f"{split}-images-idx3-ubyte.gz") as file:
            images.append(np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 28, 28, 1))
        with gzip.open(DEBIAN / f"{split}-labels-idx1-ubyte.gz") as file:
            labels.append(np.frombuffer(file.read(), np.uint8, offset=8).astype(np.int64))
    return np.concatenate(images), np.concatenate(labels)


def _train(work: Path, images: Pixels, labels: npt.NDArray[np.int64]) -> None:
    folder = work / "images"
    folder.mkdir(exist_ok=True)
    with (folder / "labels.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "label", "split"])
        for number, (pixels, label) in enumerate(zip(images, labels, strict=True)):
            name = f"{number:05}.png"
            Image.fromarray(pixels[:, :, 0]).save(folder / name, compress_level=1)
            writer.writerow([name, CLASSES[label], _split(number)])
    command = [
        *(str(Path(sys.executable).parent / "train"), f"data.path={folder}", "logger=disabled"),
        *("data.source=table", "data.image_size=28", "data.channels=1", "data.name=held-out"),
        *("data.drop_invalid=true", f"data.prepared_dir={work}/prepared"),
        *(f"run_dir={work}/run", f"registry={work}/registry", f"trainer.max_epochs={EPOCHS}"),
    ]
    configs = Path(__file__).parents[2] / "configs"
    environment = {**os.environ, "MLOPSPROJ_CONFIG_DIR": str(configs)}
    subprocess.run(command, check=True, env=environment)


def _split(number: int) -> str:
    return "train" if number < TRAIN else "val" if number < TRAIN + VALIDATION else "test"


def _keep(path: Path, bundle: Bundle, images: Pixels) -> None:
    """Write what a bundle says of images, with their statistics."""
    predictor = Predictor(bundle)
    spec = bundle.manifest.image
    probabilities, embeddings, scores, statistics = [], [], [], []
    for start in range(0, len(images), _BATCH):
        piece = images[start : start + _BATCH]
        outputs = predictor.run(piece)
        probabilities.append(outputs.probabilities)
        embeddings.append(outputs.embedding.astype(np.float16))
        scores.append(outputs.ood_score)
        for prepared in prepare_images(list(piece), spec):
            assert isinstance(prepared, PreparedImage)  # noqa: S101 (they are pictures)
            one = prepared.statistics
            statistics.append(
                (
                    *(one.width, one.height, one.brightness),
                    *(one.contrast, one.sharpness, one.saturation),
                )
            )
    draft = path.with_suffix(".draft.npz")
    np.savez(
        draft,
        probabilities=np.concatenate(probabilities),
        embedding=np.concatenate(embeddings),
        ood_score=np.concatenate(scores),
        statistics=np.array(statistics),
    )
    draft.replace(path)


def _read(path: Path, ids: Sequence[str], labels: npt.NDArray[np.int64]) -> Sample:
    with np.load(path) as kept:
        columns = {name: kept[name] for name in kept.files}
    return Sample(
        ids=list(ids),
        probabilities=columns["probabilities"],
        embedding=columns["embedding"].astype(np.float32),
        ood_score=columns["ood_score"].astype(np.float64),
        statistics=dict(zip(STATISTICS, columns["statistics"].T, strict=True)),
        mode=["L"] * len(ids),
        labels=labels.tolist(),
    )
