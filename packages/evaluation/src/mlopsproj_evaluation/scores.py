"""What a model said of each test image: made by running a graph, kept as `evaluation.parquet`.

Paired comparisons need it. Knows nothing of metrics.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from mlopsproj_core.image import Pixels
from mlopsproj_core.labelled import LabelledImages
from mlopsproj_core.outputs import Floats, Outputs

from mlopsproj_evaluation.tables import corrupt, fixed_size_list, matrix, read_columns

_BATCH = 256
_ROUNDING = 1e-4
_CONTENT_ID = re.compile("[0-9a-f]{16,}")
_TYPES = {"id": pa.string(), "label": pa.int64(), "probabilities": pa.list_(pa.float32())}


@dataclass(frozen=True, eq=False)
class Scores:
    """Probabilities of N images of K classes beside their labels.

    Attributes:
        ids: N content ids.
        labels: `(N,)` int64.
        probabilities: `(N, K)` float32.
    """

    ids: tuple[str, ...]
    labels: npt.NDArray[np.int64]
    probabilities: Floats

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

    def write(self, path: Path) -> None:
        """Write `evaluation.parquet`."""
        columns = {
            "id": pa.array(self.ids, pa.string()),
            "label": pa.array(self.labels, pa.int64()),
            "probabilities": fixed_size_list(self.probabilities),
        }
        pq.write_table(pa.table(columns), path)

    @classmethod
    def read(cls, path: Path) -> "Scores":
        """Read `evaluation.parquet`.

        Raises:
            BundleCorruptError: if it is missing, or something else.
        """
        table = read_columns(path, "evaluation", _TYPES)
        scores = cls(
            ids=tuple(table["id"].to_pylist()),
            labels=table["label"].to_numpy(),
            probabilities=matrix(table["probabilities"]),
        )
        classes = scores.probabilities.shape[1]
        if ((scores.labels < 0) | (scores.labels >= classes)).any():
            raise corrupt(path, "evaluation", f"a label is none of its {classes} classes")
        off = np.abs(scores.probabilities - 0.5) - 0.5
        if not (off <= _ROUNDING).all():  # also when one is not a number
            raise corrupt(path, "evaluation", "a probability is not between 0 and 1")
        if not all(map(_CONTENT_ID.fullmatch, scores.ids)):
            raise corrupt(path, "evaluation", "an id is no hexadecimal sha256")
        return scores


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
    """
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
