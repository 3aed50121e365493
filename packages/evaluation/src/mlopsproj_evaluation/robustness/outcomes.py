"""What a model got right of spoilt images, and the figures that follow: `robustness.parquet`.

Each image meets each corruption once, at one of the five severities: for the same number of
predictions that is five times as many images as if each met all severities, and images are what
an interval lives on. Knows nothing of how an image is spoilt.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from mlopsproj_core.errors import DataError
from mlopsproj_core.manifest import Metric

from mlopsproj_evaluation.corruptions.corruption import SEVERITIES
from mlopsproj_evaluation.robustness.intervals import share_interval
from mlopsproj_evaluation.scores import strange_id
from mlopsproj_evaluation.tables import corrupt, read_columns

CLEAN: Final = "none"
"""Stands in the column of corruptions for the image as it was, with severity 0."""

_KIND = "robustness"
_TYPES = {
    "id": pa.string(),
    "corruption": pa.string(),
    "severity": pa.int8(),
    "correct": pa.bool_(),
    "suite": pa.int32(),
    "seed": pa.int64(),
}


@dataclass(frozen=True, eq=False)
class Robustness:
    """Outcomes of N images under M corruptions.

    Attributes:
        ids: N content ids, each once, at least one.
        corruptions: M names, each once, at least one.
        clean: `(N,)` bool: whether the image as it was is right.
        correct: `(N, M)` bool: whether the spoilt image is.
        severities: `(N, M)` int8, 1 to 5: of each.
        suite: number of the corruptions' definition.
        seed: of what was drawn.

    Raises:
        DataError: if they are not so.
    """

    ids: tuple[str, ...]
    corruptions: tuple[str, ...]
    clean: npt.NDArray[np.bool_]
    correct: npt.NDArray[np.bool_]
    severities: npt.NDArray[np.int8]
    suite: int
    seed: int

    def __post_init__(self) -> None:
        fault = self._fault()
        if fault:
            raise DataError(
                f"These outcomes cannot be used ({fault}): give those that measure_robustness made."
            )

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def accuracy(self) -> Metric:
        """Mean corruption accuracy: over all corruptions and severities."""
        return share_interval(self.correct.mean(axis=1))

    @property
    def clean_accuracy(self) -> Metric:
        """Of the same images as they were."""
        return share_interval(self.clean.astype(np.float64))

    @property
    def by_corruption(self) -> dict[str, Metric]:
        """Accuracy under each corruption, over its severities."""
        columns = enumerate(self.corruptions)
        return {
            name: share_interval(self.correct[:, column].astype(np.float64))
            for column, name in columns
        }

    @property
    def by_severity(self) -> dict[int, Metric]:
        """Accuracy at each severity that an image met, over the corruptions."""
        figures = {}
        for severity in SEVERITIES:
            met = self.severities == severity
            counts = met.sum(axis=1)
            right = (self.correct & met).sum(axis=1)[counts > 0]
            if len(right):
                figures[severity] = share_interval(right / counts[counts > 0])
        return figures

    def at(self, corruption: str, severity: int) -> Metric | None:
        """Accuracy under one corruption at one severity; None where no image met it."""
        column = self.corruptions.index(corruption)
        outcomes = self.correct[self.severities[:, column] == severity, column]
        return share_interval(outcomes.astype(np.float64)) if len(outcomes) else None

    def write(self, path: Path) -> None:
        """Write `robustness.parquet`: of each image a row as it was, and one by corruption."""
        images, rows = len(self), 1 + len(self.corruptions)
        severities = np.concatenate([np.zeros((images, 1), np.int8), self.severities], axis=1)
        correct = np.concatenate([self.clean[:, None], self.correct], axis=1)
        columns = {
            "id": np.repeat(np.array(self.ids, dtype=object), rows),
            "corruption": np.tile(np.array([CLEAN, *self.corruptions], dtype=object), images),
            "severity": severities.ravel(),
            "correct": correct.ravel(),
            "suite": np.full(images * rows, self.suite),
            "seed": np.full(images * rows, self.seed),
        }
        pq.write_table(
            pa.table({name: pa.array(columns[name], kind) for name, kind in _TYPES.items()}), path
        )

    @classmethod
    def read(cls, path: Path) -> "Robustness":
        """Read `robustness.parquet`.

        Raises:
            BundleCorruptError: if it is missing, or something else.
        """
        table = read_columns(path, _KIND, _TYPES)
        every_id, every_name = table["id"].to_pylist(), table["corruption"].to_pylist()
        rows = next((row for row, name in enumerate(every_id) if name != every_id[0]), len(table))
        ids, names = tuple(every_id[:: rows or 1]), tuple(every_name[:rows])
        if names[:1] != (CLEAN,):
            raise corrupt(path, _KIND, "it does not begin with an image as it was")
        if every_id != [name for name in ids for _ in range(rows)]:
            raise corrupt(path, _KIND, f"it has no {rows} rows for each image")
        if every_name != list(names) * len(ids):
            raise corrupt(path, _KIND, "its images met different corruptions")
        marks = {name: np.unique(table[name].to_numpy()) for name in ("suite", "seed")}
        if any(len(found) != 1 for found in marks.values()):
            raise corrupt(path, _KIND, "it mixes suites or seeds")
        severities = table["severity"].to_numpy().reshape(len(ids), rows)
        correct = table["correct"].to_numpy(zero_copy_only=False).reshape(len(ids), rows)
        if severities[:, 0].any():
            raise corrupt(path, _KIND, "an image as it was has a severity")
        try:
            read = cls(
                ids=ids,
                corruptions=names[1:],
                clean=correct[:, 0],
                correct=correct[:, 1:],
                severities=severities[:, 1:],
                suite=int(marks["suite"][0]),
                seed=int(marks["seed"][0]),
            )
        except DataError as error:
            raise corrupt(path, _KIND, error) from error
        strange = strange_id(ids)
        if strange is not None:
            raise corrupt(path, _KIND, f"the id {strange!r} is no hexadecimal sha256")
        return read

    def _fault(self) -> str | None:
        images, corruptions = len(self.ids), len(self.corruptions)
        if not images or len(set(self.ids)) != images:
            return f"{images} ids, {len(set(self.ids))} of them different"
        if not corruptions or len({CLEAN, *self.corruptions}) != 1 + corruptions:
            return f"corruptions {self.corruptions}"
        shapes = self.clean.shape, self.correct.shape, self.severities.shape
        if shapes != ((images,), (images, corruptions), (images, corruptions)):
            return f"{images} images, {corruptions} corruptions and arrays {shapes}"
        if self.clean.dtype != np.bool_ or self.correct.dtype != np.bool_:
            return f"outcomes are {self.clean.dtype} and {self.correct.dtype}, not bool"
        if not np.isin(self.severities, SEVERITIES).all():
            return f"severities {np.setdiff1d(self.severities, SEVERITIES)}"
        return None
