"""Images in, predictions out: an onnxruntime session over a verified and probed bundle.

Knows nothing of HTTP, scheduling or the registry.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime as ort

from mlopsproj_core.bundle import MODEL, PROBE, Bundle
from mlopsproj_core.cpu import available_cpus
from mlopsproj_core.errors import BundleCorruptError, ImageError
from mlopsproj_core.image import ImageStatistics, Pixels, PreparedImage, prepare_image
from mlopsproj_core.manifest import Manifest
from mlopsproj_core.outputs import Floats, Outputs
from mlopsproj_core.probe import check_probe

logger = logging.getLogger(__name__)

OUTPUT_NAMES = ["probabilities", "embedding", "ood_score"]


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
        """
        self.bundle = bundle
        self._session = _session(bundle.path / MODEL, threads or available_cpus())
        _check_graph(self._session, bundle.manifest)

    @classmethod
    def load(cls, path: str | Path, *, threads: int | None = None) -> "Predictor":
        """Open, verify and probe the bundle in `path`.

        Raises:
            BundleError: if it is corrupt, of another schema, or if this machine decodes or
                computes otherwise than it expects.
        """
        bundle = Bundle.open(path)
        bundle.verify()
        predictor = cls(bundle, threads=threads)
        check_probe((bundle.path / PROBE).parent, bundle.manifest.image, predictor.run)
        logger.info("loaded %s from %s", bundle.manifest.name, bundle.path)
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
        spec = self.manifest.image
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1:] != spec.shape:  # noqa: PLR2004 (axes)
            raise ImageError(
                f"The graph takes uint8 (N, {spec.height}, {spec.width}, {spec.channels}), not"
                f" {images.dtype} {images.shape}: use predict() for images of other sizes."
            )
        outputs = self._session.run(OUTPUT_NAMES, {"image": np.ascontiguousarray(images)})
        return Outputs(*(np.asarray(output, dtype=np.float32) for output in outputs))

    def predict(self, images: Sequence[bytes | Pixels]) -> list[Prediction]:
        """Predict from encoded images or arrays of any size, in one batch.

        Args:
            images: encoded files, or uint8 `(height, width)` or `(height, width, 1 | 3)`.

        Raises:
            ImageError: if one of them cannot be used.
        """
        if not images:
            return []
        prepared = [self.prepare(image) for image in images]
        outputs = self.run(np.stack([image.pixels for image in prepared]))
        return [
            Prediction(
                ranking=self._ranking(outputs.probabilities[row]),
                probabilities=outputs.probabilities[row],
                embedding=outputs.embedding[row],
                ood_score=float(outputs.ood_score[row]),
                statistics=image.statistics,
            )
            for row, image in enumerate(prepared)
        ]

    def _ranking(self, probabilities: Floats) -> tuple[ClassProbability, ...]:
        order = np.argsort(-probabilities, kind="stable")
        return tuple(
            ClassProbability(self.manifest.classes[index], float(probabilities[index]))
            for index in order
        )


def _session(model: Path, threads: int) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Threads that spin between two inferences take the cores from decoding.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    try:
        # From bytes: a graph that points at files outside itself is refused.
        return ort.InferenceSession(model.read_bytes(), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises its own exceptions, without a common root
        raise BundleCorruptError(
            f"{model} cannot be loaded by onnxruntime {ort.__version__}: {error}"
        ) from error


def _check_graph(session: ort.InferenceSession, manifest: Manifest) -> None:
    inputs = {value.name: (value.type, value.shape) for value in session.get_inputs()}
    kind, shape = inputs.get("image", ("", []))
    outputs = {value.name: value.shape for value in session.get_outputs()}
    spec, classes = manifest.image, len(manifest.classes)
    if (
        len(inputs) != 1
        or kind != "tensor(uint8)"
        or list(shape[1:]) != list(spec.shape)
        or not set(OUTPUT_NAMES) <= set(outputs)
        or outputs["probabilities"][-1] != classes
    ):
        raise BundleCorruptError(
            f"The graph takes {inputs} and gives {outputs}; the manifest promises `image` uint8"
            f" (N, {spec.height}, {spec.width}, {spec.channels}) and {OUTPUT_NAMES} of {classes}"
            " classes: export it again."
        )
