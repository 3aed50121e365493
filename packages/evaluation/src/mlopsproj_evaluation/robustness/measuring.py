"""A model run over spoilt images: which are taken, how each is spoilt, what came out.

Images and severities are chosen by content id, so that every model that is measured on the same
test set meets the same images spoilt in the same way. Knows nothing of bundles.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from mlopsproj_core.errors import ConfigError, DataError
from mlopsproj_core.image import Pixels
from mlopsproj_core.labelled import LabelledImages
from mlopsproj_core.outputs import Outputs

from mlopsproj_evaluation.corruptions.catalogue import CORRUPTIONS, SUITE
from mlopsproj_evaluation.corruptions.corrupting import corrupt
from mlopsproj_evaluation.corruptions.corruption import SEVERITIES
from mlopsproj_evaluation.robustness.outcomes import CLEAN, Robustness

MOST_IMAGES: Final = 1000
MOST_PIXELS: Final = 8_000_000
"""Of all images together: 159 images of 224 x 224. Below it the suite takes seconds."""
FEWEST_IMAGES: Final = 30
"""However large they are: with fewer, nothing could be said."""

_BATCH = 256

Observer = Callable[[str, int, npt.NDArray[np.int64], Pixels, Outputs], None]
"""Told of each batch: the corruption (`CLEAN` for the images as they were), its severity, the
places of the images among those that were chosen, their pixels, and what the graph gave."""


def measure_robustness(
    run: Callable[[Pixels], Outputs],
    images: LabelledImages,
    *,
    most_images: int | None = None,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
    observe: Observer | None = None,
) -> Robustness:
    """Run a graph over images that are spoilt by every corruption.

    Args:
        run: `Predictor.run` or `OnnxGraph.run`.
        images: a test set, of which some are taken where there are many.
        most_images: that are taken; what takes seconds unless given.
        seed: of what is drawn.
        progress: told how many images were predicted, and of how many.
        observe: told of every batch.

    Raises:
        ConfigError: if no image is to be taken.
        DataError: if there is none.
    """
    rows = choose_images(images, most_images=most_images)
    ids = [images.ids[row] for row in rows]
    severities = np.stack([_severities_of(image_id, seed) for image_id in ids])
    clean = np.empty(len(rows), np.bool_)
    correct = np.empty(severities.shape, np.bool_)
    done, total = 0, len(rows) * (1 + len(CORRUPTIONS))
    for start in range(0, len(rows), _BATCH):
        places = np.arange(start, min(start + _BATCH, len(rows)))
        pixels, labels = images.images[rows[places]], images.labels[rows[places]]
        outputs = run(pixels)
        clean[places] = outputs.probabilities.argmax(axis=1) == labels
        done += len(places)
        if observe:
            observe(CLEAN, 0, places, pixels, outputs)
        for column, name in enumerate(CORRUPTIONS):
            for severity in SEVERITIES:
                met = np.flatnonzero(severities[places, column] == severity)
                if not len(met):
                    continue
                at = places[met]
                spoilt = corrupt(
                    pixels[met], [ids[place] for place in at], name, severity, seed=seed
                )
                outputs = run(spoilt)
                correct[at, column] = outputs.probabilities.argmax(axis=1) == labels[met]
                if observe:
                    observe(name, severity, at, spoilt, outputs)
            done += len(places)
            if progress:
                progress(done, total)
    return Robustness(tuple(ids), tuple(CORRUPTIONS), clean, correct, severities, SUITE, seed)


def write_robustness(
    path: Path,
    run: Callable[[Pixels], Outputs],
    images: LabelledImages,
    *,
    progress: Callable[[int, int], None] | None = None,
    observe: Observer | None = None,
) -> Robustness:
    """Measure, and write `robustness.parquet`.

    Args:
        path: of the file.
        run: `Predictor.run` or `OnnxGraph.run`.
        images: the test set.
        progress: told how many images were predicted, and of how many.
        observe: told of every batch.

    Raises:
        DataError: if there is no image.
    """
    robustness = measure_robustness(run, images, progress=progress, observe=observe)
    robustness.write(path)
    return robustness


def choose_images(
    images: LabelledImages, *, most_images: int | None = None
) -> npt.NDArray[np.int64]:
    """Rows of the images that are taken, in their order.

    Those whose ids have the smallest hashes: images that are added to a test set displace few.

    Raises:
        ConfigError: if no image is to be taken.
        DataError: if there is none.
    """
    if not len(images):
        raise DataError("There is no image to corrupt: choose a split that has some.")
    if most_images is None:
        height, width = images.images.shape[1:3]
        fitting = max(FEWEST_IMAGES, MOST_PIXELS // (height * width))
        most_images = min(MOST_IMAGES, fitting)
    if most_images < 1:
        raise ConfigError(f"most_images={most_images}: take 1 or more, or leave it out.")
    order = sorted(range(len(images)), key=lambda row: _hash("choice", images.ids[row]))
    return np.sort(np.array(order[:most_images], dtype=np.int64))


def _severities_of(image_id: str, seed: int) -> npt.NDArray[np.int8]:
    """`(M,)`: each severity as often as the others, the first of them by the image's id."""
    first = _hash(f"severity {seed}", image_id)[0] % len(SEVERITIES)
    turns = (first + np.arange(len(CORRUPTIONS))) % len(SEVERITIES)
    return np.array(SEVERITIES, np.int8)[turns]


def _hash(purpose: str, image_id: str) -> bytes:
    return hashlib.sha256(f"robustness {purpose}\n{image_id}".encode()).digest()
