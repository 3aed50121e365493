"""What a model said of each test image: made by running a graph, kept as `evaluation.parquet`.

Paired comparisons need it. Knows nothing of metrics.
"""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from mlopsproj_core.errors import DataError
from mlopsproj_core.image import Pixels
from mlopsproj_core.labelled import LabelledImages
from mlopsproj_core.outputs import Floats, Outputs

from mlopsproj_evaluation.tables import corrupt, fixed_size_list, matrix, read_columns

_BATCH = 256
_ROUNDING = 1e-4
_CONTENT_ID = re.compile("[0-9a-f]{64}")
_SHORT_ID_DIGITS = 16
_FEWEST_CLASSES = 2
_TYPES = {"id": pa.string(), "label": pa.int64(), "probabilities": pa.list_(pa.float32())}


@dataclass(frozen=True, eq=False)
class Scores:
    """Probabilities of N images of K classes beside their labels.

    Attributes:
        ids: N content ids, each once.
        labels: `(N,)` integers, 0 to K - 1.
        probabilities: `(N, K)` float32, 0 to 1, K at least 2.

    Raises:
        DataError: if they are not so; what is not a number would win every ranking.
    """

    ids: tuple[str, ...]
    labels: npt.NDArray[np.int64]
    probabilities: Floats

    def __post_init__(self) -> None:
        fault = _fault(self.ids, self.labels, self.probabilities)
        if fault:
            raise DataError(
                f"These scores cannot be used ({fault}): give an id, a label and a row of"
                " probabilities for each image."
            )

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def predicted(self) -> npt.NDArray[np.int64]:
        """`(N,)` int64: the most probable class."""
        return np.asarray(self.probabilities.argmax(axis=1), dtype=np.int64)

    @property
    def correct(self) -> npt.NDArray[np.bool_]:
        """`(N,)` bool: whether the most probable class is the label."""
        return np.asarray(self.predicted == self.labels)

    @property
    def short_ids(self) -> npt.NDArray[np.uint64]:
        """`(N,)` uint64: the first eight bytes of each id, as `training_ids.npy` holds them.

        Raises:
            DataError: if an id is no sha256.
        """
        return short_ids(self.ids)

    def write(self, path: Path) -> None:
        """Write `evaluation.parquet`."""
        columns = {
            "id": pa.array(self.ids, pa.string()),
            "label": pa.array(self.labels, pa.int64()),
            "probabilities": fixed_size_list(self.probabilities.astype(np.float32, copy=False)),
        }
        pq.write_table(pa.table(columns), path)

    @classmethod
    def read(cls, path: Path) -> "Scores":
        """Read `evaluation.parquet`.

        Raises:
            BundleCorruptError: if it is missing, or something else.
        """
        table = read_columns(path, "evaluation", _TYPES)
        ids = tuple(table["id"].to_pylist())
        labels, probabilities = table["label"].to_numpy(), matrix(table["probabilities"])
        fault = _fault(ids, labels, probabilities)
        if fault:
            raise corrupt(path, "evaluation", fault)
        strange = strange_id(ids)
        if strange is not None:
            raise corrupt(path, "evaluation", f"the id {strange!r} is no hexadecimal sha256")
        return cls(ids, labels, probabilities)


def score(
    run: Callable[[Pixels], Outputs],
    images: LabelledImages,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Scores, Outputs]:
    """Run a graph over all images.

    Args:
        run: `Predictor.run` or `OnnxGraph.run`.
        images: at least one.
        progress: told how many images are done, and of how many.

    Returns:
        Scores of all images, and the graph's outputs for them.

    Raises:
        DataError: if there is no image, or the graph gives something else than probabilities.
    """
    if not len(images):
        raise DataError("There is no image to score: choose a split that has some.")
    pieces = []
    for start in range(0, len(images), _BATCH):
        pieces.append(run(images.images[start : start + _BATCH]))
        if progress:
            progress(min(start + _BATCH, len(images)), len(images))
    outputs = Outputs(
        *(
            np.concatenate([getattr(piece, name) for piece in pieces])
            for name in ("probabilities", "embedding", "ood_score")
        )
    )
    return Scores(images.ids, images.labels, outputs.probabilities), outputs


def short_ids(ids: tuple[str, ...]) -> npt.NDArray[np.uint64]:
    """`(N,)` uint64: the first eight bytes of each id.

    Raises:
        DataError: if an id is no sha256.
    """
    strange = strange_id(ids)
    if strange is not None:
        raise DataError(
            f"The id {strange!r} is no hexadecimal sha256: give the images' content ids."
        )
    return np.array([int(name[:_SHORT_ID_DIGITS], 16) for name in ids], dtype=np.uint64)


def strange_id(ids: tuple[str, ...]) -> str | None:
    """The first id that is no sha256, if any."""
    return next((name for name in ids if not _CONTENT_ID.fullmatch(name)), None)


def _fault(
    ids: tuple[str, ...], labels: npt.NDArray[np.int64], probabilities: Floats
) -> str | None:
    """What keeps these from being scores; None if nothing does."""
    return _shape_fault(ids, labels, probabilities) or _value_fault(ids, labels, probabilities)


def _shape_fault(
    ids: tuple[str, ...], labels: npt.NDArray[np.int64], probabilities: Floats
) -> str | None:
    if probabilities.ndim != 2 or probabilities.shape[1] < _FEWEST_CLASSES:  # noqa: PLR2004 (axes)
        return f"probabilities {probabilities.shape} are not those of two classes or more"
    images = len(probabilities)
    if len(ids) != images or labels.shape != (images,):
        return f"{len(ids)} ids and labels {labels.shape} stand beside {images} rows"
    if not np.issubdtype(labels.dtype, np.integer):
        return f"labels are {labels.dtype}, not integers"
    return None


def _value_fault(
    ids: tuple[str, ...], labels: npt.NDArray[np.int64], probabilities: Floats
) -> str | None:
    if len(set(ids)) != len(ids):
        name, times = Counter(ids).most_common(1)[0]
        return f"the id {name!r} occurs {times} times"
    classes = probabilities.shape[1]
    outside = (labels < 0) | (labels >= classes)
    if outside.any():
        return f"label {labels[outside][0]} is none of the {classes} classes, 0 to {classes - 1}"
    off = np.abs(probabilities - 0.5) - 0.5
    beyond = ~(off <= _ROUNDING)  # also what is not a number
    if beyond.any():
        return f"{probabilities[beyond][0]} is no probability between 0 and 1"
    return None
