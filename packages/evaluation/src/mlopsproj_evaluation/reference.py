"""`reference.parquet`: what a model did on held-out images, for drift to be held against.

At most 5,000 rows: id, label, probabilities, embedding, ood_score and the image's statistics.
Knows nothing of drift.
"""

from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from mlopsproj_core.errors import DataError
from mlopsproj_core.outputs import Outputs

from mlopsproj_evaluation.scores import Scores
from mlopsproj_evaluation.tables import fixed_size_list, read_columns

MAX_ROWS: Final = 5000

STATISTICS: Final = {
    "width": pa.int32(),
    "height": pa.int32(),
    "mode": pa.string(),
    "brightness": pa.float32(),
    "contrast": pa.float32(),
    "sharpness": pa.float32(),
    "saturation": pa.float32(),
}
"""Columns of `mlopsproj_core.image.ImageStatistics`."""

COLUMNS: Final = {
    "id": pa.string(),
    "label": pa.int64(),
    "probabilities": pa.list_(pa.float32()),
    # Half precision, as the prediction log keeps it: what is compared is rounded alike.
    "embedding": pa.list_(pa.float16()),
    "ood_score": pa.float32(),
    **STATISTICS,
}
"""Types of the columns; lists are written with one fixed length."""


def write_reference(
    path: Path, statistics: pa.Table, scores: Scores, outputs: Outputs, *, seed: int = 0
) -> None:
    """Write a reference of at most 5,000 rows, drawn at random where there are more.

    Each class keeps its share of the rows, so that the reference is not itself a drift of labels.

    Args:
        path: of the Parquet file.
        statistics: N rows with the columns of `STATISTICS`, in the order of `scores`.
        scores: of N held-out images.
        outputs: of the graph for them.
        seed: of the drawing.

    Raises:
        DataError: if statistics, scores and outputs are of different numbers of images.
    """
    if not len(statistics) == len(scores) == len(outputs):
        raise DataError(
            f"{len(statistics)} rows of statistics and {len(outputs)} of outputs stand beside"
            f" {len(scores)} scores: give those of the same images."
        )
    rows = _draw(scores.labels, seed)
    table = pa.table(
        {
            "id": pa.array([scores.ids[row] for row in rows], pa.string()),
            "label": pa.array(scores.labels[rows], pa.int64()),
            "probabilities": fixed_size_list(outputs.probabilities[rows]),
            "embedding": fixed_size_list(outputs.embedding[rows].astype(np.float16)),
            "ood_score": pa.array(outputs.ood_score[rows], pa.float32()),
        }
    )
    chosen = statistics.take(pa.array(rows))
    for name, kind in STATISTICS.items():
        table = table.append_column(name, chosen[name].cast(kind))
    pq.write_table(table, path)


def read_reference(path: Path) -> pa.Table:
    """Read a reference.

    Raises:
        BundleCorruptError: if it is missing, or something else.
    """
    return read_columns(path, "reference", COLUMNS)


def _draw(labels: npt.NDArray[np.int64], seed: int) -> npt.NDArray[np.int64]:
    """Rows in their order, each class within one row of its share."""
    if len(labels) <= MAX_ROWS:
        return np.arange(len(labels))
    shuffled = np.random.default_rng(seed).permutation(len(labels))
    by_class = shuffled[np.argsort(labels[shuffled], kind="stable")]
    places = np.arange(MAX_ROWS) * len(labels) // MAX_ROWS
    return np.sort(by_class[places])
