"""`reference.parquet`: what a model did on held-out images, for drift to be held against.

At most 5,000 rows: id, label, probabilities, embedding, ood_score and the image's statistics.
Knows nothing of drift.
"""

from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from mlopsproj_core.errors import BundleCorruptError
from mlopsproj_core.outputs import Outputs

from mlopsproj_evaluation.scores import Scores, fixed_size_list

MAX_ROWS: Final = 5000

STATISTICS: Final = (
    "width",
    "height",
    "mode",
    "brightness",
    "contrast",
    "sharpness",
    "saturation",
)
"""Columns of `mlopsproj_core.image.ImageStatistics`."""

COLUMNS: Final = ("id", "label", "probabilities", "embedding", "ood_score", *STATISTICS)


def write_reference(
    path: Path, statistics: pa.Table, scores: Scores, outputs: Outputs, *, seed: int = 0
) -> None:
    """Write a reference of at most 5,000 rows, drawn at random where there are more.

    Args:
        path: of the Parquet file.
        statistics: N rows with the columns of `STATISTICS`, in the order of `scores`.
        scores: of N held-out images.
        outputs: of the graph for them.
        seed: of the drawing.
    """
    rows = np.arange(len(scores))
    if len(rows) > MAX_ROWS:
        rows = np.sort(np.random.default_rng(seed).choice(rows, MAX_ROWS, replace=False))
    table = pa.table(
        {
            "id": pa.array([scores.ids[row] for row in rows], pa.string()),
            "label": pa.array(scores.labels[rows], pa.int64()),
            "probabilities": fixed_size_list(outputs.probabilities[rows]),
            # Half precision, as the prediction log keeps it: what is compared is rounded alike.
            "embedding": fixed_size_list(outputs.embedding[rows].astype(np.float16)),
            "ood_score": pa.array(outputs.ood_score[rows], pa.float32()),
        }
    )
    chosen = statistics.take(pa.array(rows))
    for name in STATISTICS:
        table = table.append_column(name, chosen[name])
    pq.write_table(table, path)


def read_reference(path: Path) -> pa.Table:
    """Read a reference.

    Raises:
        BundleCorruptError: if it is missing, or something else.
    """
    try:
        return pq.read_table(path, columns=list(COLUMNS))
    except (OSError, pa.ArrowException, KeyError, ValueError) as error:
        raise BundleCorruptError(f"{path} holds no reference ({error}).") from error
