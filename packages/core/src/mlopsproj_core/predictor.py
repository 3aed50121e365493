"""Images in, predictions out: an onnxruntime session over a verified and probed bundle.

Knows nothing of HTTP, scheduling or the registry.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mlopsproj_core.bundle import MODEL, PROBE, Bundle
from mlopsproj_core.errors import ImageError
from mlopsproj_core.image import ImageStatistics, Pixels, PreparedImage, prepare_image
from mlopsproj_core.manifest import Manifest
from mlopsproj_core.onnx_graph import OnnxGraph
from mlopsproj_core.outputs import Floats, Outputs
from mlopsproj_core.probe import check_probe

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ClassProbability:
    """One class and how probable it is, 0 to 1."""

    name: str
    probability: float


@dataclass(frozen=True, eq=False, slots=True)
class Prediction:
    """What a bundle says of one image.

    Attributes:
        ranking: every class, the most probable first.
        probabilities: `(K,)` float32, in the order of the manifest's classes.
        embedding: `(D,)` float32.
        ood_score: larger is farther from the training data.
        statistics: of the image.
    """

    ranking: tuple[ClassProbability, ...]
    probabilities: Floats
    embedding: Floats
    ood_score: float
    statistics: ImageStatistics

    @property
    def label(self) -> str:
        """Name of the most probable class."""
        return self.ranking[0].name

    @property
    def probability(self) -> float:
        """Of the most probable class, 0 to 1."""
        return self.ranking[0].probability


class Predictor:
    """Runs the graph of one bundle; may be called from several threads at once."""

    def __init__(self, bundle: Bundle, *, threads: int | None = None) -> None:
        """Start a session, without verifying the bundle: use `load` for one from outside.

        Args:
            bundle: sealed, or holding at least a graph and a manifest.
            threads: inside one inference; the cores this process may use unless given.

        Raises:
            BundleCorruptError: if the graph cannot be loaded or breaks the contract.
            ConfigError: if there is to be less than one thread.
        """
        self.bundle = bundle
        manifest = bundle.manifest
        self._graph = OnnxGraph(
            bundle.path / MODEL, manifest.image, len(manifest.classes), threads=threads
        )

    @classmethod
    def load(cls, path: str | Path, *, threads: int | None = None) -> "Predictor":
        """Open, verify and probe the bundle in `path`.

        Raises:
            BundleError: if it is corrupt, of another schema, or if this machine decodes or
                computes otherwise than it expects.
            ConfigError: if there is to be less than one thread.
        """
        bundle = Bundle.open(path)
        bundle.verify()
        predictor = cls(bundle, threads=threads)
        check_probe((bundle.path / PROBE).parent, bundle.manifest.image, predictor.run)
        logger.debug("loaded %s from %s", bundle.manifest.name, bundle.path)
        return predictor

    @property
    def manifest(self) -> Manifest:
        """Of the bundle."""
        return self.bundle.manifest

    def prepare(self, source: bytes | Pixels) -> PreparedImage:
        """Make the pixels that this bundle takes of one image.

        Raises:
            ImageError: if it cannot be used.
        """
        return prepare_image(source, self.manifest.image)

    def run(self, images: Pixels) -> Outputs:
        """Run the graph over prepared images.

        Args:
            images: `(N, height, width, channels)` uint8, N at least 1.

        Raises:
            ImageError: if dtype or shape are not those of the manifest.
        """
        return self._graph.run(images)

    def predict(self, images: Sequence[bytes | Pixels]) -> list[Prediction]:
        """Predict from encoded images or arrays of any size, in one batch.

        One bad image fails the whole batch: to go on without it, `prepare` each image and give
        the good ones to `predict_prepared`.

        Args:
            images: encoded files, or uint8 `(height, width)` or `(height, width, 1 | 3)`.

        Raises:
            ImageError: naming the first of them that cannot be used.
        """
        if isinstance(images, bytes | np.ndarray):
            raise ImageError(
                "One image or one array is no list of images: call predict([image]), or"
                " predict(list(array)) for an array of many."
            )
        prepared = []
        for number, image in enumerate(images, start=1):
            try:
                prepared.append(self.prepare(image))
            except ImageError as error:
                if len(images) == 1:
                    raise
                raise ImageError(f"Image {number} of {len(images)}: {error}") from error
        return self.predict_prepared(prepared)

    def predict_prepared(self, images: Sequence[PreparedImage]) -> list[Prediction]:
        """Predict from images that `prepare` made, in one batch.

        Raises:
            ImageError: if they were prepared for another bundle.
        """
        if not images:
            return []
        outputs = self.run(np.stack([image.pixels for image in images]))
        return [
            Prediction(
                ranking=self._ranking(outputs.probabilities[row]),
                probabilities=outputs.probabilities[row],
                embedding=outputs.embedding[row],
                ood_score=float(outputs.ood_score[row]),
                statistics=image.statistics,
            )
            for row, image in enumerate(images)
        ]

    def _ranking(self, probabilities: Floats) -> tuple[ClassProbability, ...]:
        order = np.argsort(-probabilities, kind="stable")
        return tuple(
            ClassProbability(self.manifest.classes[index], float(probabilities[index]))
            for index in order
        )
