"""Some images as columns: what the model said of them, and what was measured on them.

A row is a prediction of the log or a row of a reference; both look alike here. Knows nothing of
where they come from.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import numpy.typing as npt
from mlopsproj_core.errors import DataError

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

NUMERIC_STATISTICS: Final = (
    "brightness",
    "contrast",
    "sharpness",
    "saturation",
    "width",
    "height",
)
"""Attributes of `mlopsproj_core.image.ImageStatistics` that are numbers; `mode` is text."""


@dataclass(frozen=True, eq=False)
class Sample:
    """N images.

    Attributes:
        ids: of the predictions, or of the reference's images.
        probabilities: `(N, K)` float32.
        embedding: `(N, D)` float32, rounded to half precision as the log keeps it.
        ood_score: `(N,)` float64; larger is farther from the training data.
        statistics: `(N,)` float64 for each of `NUMERIC_STATISTICS`; NaN where one is missing.
        mode: Pillow's mode of each source; "" where it is missing.
        labels: index of the true class where it is known, else None.

    Raises:
        DataError: if the columns are of different lengths, or a statistic is missing.
    """

    ids: Sequence[str]
    probabilities: npt.NDArray[np.float32]
    embedding: npt.NDArray[np.float32]
    ood_score: Array
    statistics: Mapping[str, Array]
    mode: Sequence[str]
    labels: Sequence[int | None]

    def __post_init__(self) -> None:
        lengths = {
            "probabilities": len(self.probabilities),
            "embedding": len(self.embedding),
            "ood_score": len(self.ood_score),
            "mode": len(self.mode),
            "labels": len(self.labels),
            **{name: len(values) for name, values in self.statistics.items()},
        }
        for name, length in lengths.items():
            if length != len(self.ids):
                raise DataError(
                    f"A sample of {len(self.ids)} ids has {length} values of {name}: give one for"
                    " each image."
                )
        for name, table in (("probabilities", self.probabilities), ("embedding", self.embedding)):
            if table.ndim != 2:  # noqa: PLR2004 (axes)
                raise DataError(
                    f"The {name} of a sample have the shape {table.shape}: give one row for each"
                    " image."
                )
        missing = [name for name in NUMERIC_STATISTICS if name not in self.statistics]
        if missing:
            raise DataError(
                f"A sample lacks the statistics {', '.join(missing)}: give NaN for each image where"
                " they are not known."
            )

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def classes(self) -> int:
        """K."""
        return int(self.probabilities.shape[1])

    @property
    def dimensions(self) -> int:
        """D."""
        return int(self.embedding.shape[1])

    def take(self, rows: npt.NDArray[np.integer] | npt.NDArray[np.bool_]) -> Self:
        """Some of the rows, in the order that is given: numbers, or whether each is wanted."""
        numbers = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows
        chosen = numbers.tolist()
        return type(self)(
            ids=[self.ids[row] for row in chosen],
            probabilities=self.probabilities[numbers],
            embedding=self.embedding[numbers],
            ood_score=self.ood_score[numbers],
            statistics={name: values[numbers] for name, values in self.statistics.items()},
            mode=[self.mode[row] for row in chosen],
            labels=[self.labels[row] for row in chosen],
        )

    @classmethod
    def joined(cls, samples: Sequence[Self]) -> Self:
        """The rows of several samples, one after the other; at least one is needed."""
        return cls(
            ids=[id_ for sample in samples for id_ in sample.ids],
            probabilities=np.concatenate([sample.probabilities for sample in samples]),
            embedding=np.concatenate([sample.embedding for sample in samples]),
            ood_score=np.concatenate([sample.ood_score for sample in samples]),
            statistics={
                name: np.concatenate([sample.statistics[name] for sample in samples])
                for name in samples[0].statistics
            },
            mode=[mode for sample in samples for mode in sample.mode],
            labels=[label for sample in samples for label in sample.labels],
        )

    @property
    def label_numbers(self) -> npt.NDArray[np.float64]:
        """`(N,)`: the labels, NaN where there is none."""
        return np.fromiter(
            (np.nan if label is None else label for label in self.labels), np.float64, len(self)
        )
