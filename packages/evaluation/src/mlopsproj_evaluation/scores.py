"""What a model said of each test image: made by running a graph, kept as `evaluation.parquet`.

Paired comparisons need it. Knows nothing of metrics.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from mlopsproj_core.errors import BundleCorruptError
from mlopsproj_core.image import Pixels
from mlopsproj_core.labelled import LabelledImages
from mlopsproj_core.outputs import Floats, Outputs

_BATCH = 256


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
        try:
            table = pq.read_table(path, columns=["id", "label", "probabilities"])
            return cls(
                ids=tuple(table["id"].to_pylist()),
                labels=table["label"].to_numpy().astype(np.int64),
                probabilities=matrix(table["probabilities"]),
            )
        except (OSError, pa.ArrowException, KeyError, ValueError) as error:
            raise BundleCorruptError(f"{path} holds no evaluation ({error}).") from error


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


def fixed_size_list(values: npt.NDArray[np.floating]) -> pa.FixedSizeListArray:
    """`(N, M)` as an Arrow column of lists of M, of the same dtype."""
    flat = pa.array(np.ascontiguousarray(values).reshape(-1))
    return pa.FixedSizeListArray.from_arrays(flat, values.shape[1])


def matrix(column: pa.ChunkedArray) -> Floats:
    """A column of lists of M as `(N, M)` float32."""
    lists = column.combine_chunks()
    flat = lists.flatten().to_numpy(zero_copy_only=False).astype(np.float32)
    return np.asarray(flat.reshape(len(lists), -1))
