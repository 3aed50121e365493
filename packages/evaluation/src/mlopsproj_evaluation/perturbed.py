"""`perturbed.parquet`: what a model said of spoilt images and was it right, at most 5,000 rows.

From it whoever watches a service learns how often a model that says this is right, also where the
images are not such as it was trained on. Knows nothing of how an image is spoilt, which rows are
kept, and what is learnt from them.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from mlopsproj_core.errors import DataError
from mlopsproj_core.outputs import Floats

from mlopsproj_evaluation.corruptions.corruption import SEVERITIES
from mlopsproj_evaluation.robustness.outcomes import CLEAN
from mlopsproj_evaluation.scores import strange_id
from mlopsproj_evaluation.tables import corrupt, fixed_size_list, matrix, read_columns

_KIND = "answers to spoilt images"
_FEWEST_CLASSES = 2
_ROUNDING = 1e-4
_TYPES = {
    "id": pa.string(),
    "corruption": pa.string(),
    "family": pa.string(),
    "severity": pa.int8(),
    "label": pa.int64(),
    "probabilities": pa.list_(pa.float32()),
    "ood_score": pa.float32(),
}


@dataclass(frozen=True, eq=False)
class Perturbed:
    """What a model said of R images, some as they were and some spoilt.

    Attributes:
        ids: `(R,)` content ids of the images; an image stands in several rows.
        corruptions: `(R,)` names; `none` for an image as it was.
        families: `(R,)` of the corruptions; `none` for an image as it was.
        severities: `(R,)` int8, 1 to 5; 0 for an image as it was.
        labels: `(R,)` int64, 0 to K - 1.
        probabilities: `(R, K)` float32, 0 to 1, K at least 2.
        ood_score: `(R,)` float32; what the graph gave, also where that is no number.

    Raises:
        DataError: if they are not so.
    """

    ids: tuple[str, ...]
    corruptions: tuple[str, ...]
    families: tuple[str, ...]
    severities: npt.NDArray[np.int8]
    labels: npt.NDArray[np.int64]
    probabilities: Floats
    ood_score: Floats

    def __post_init__(self) -> None:
        fault = self._shape_fault() or self._value_fault() or self._origin_fault()
        if fault:
            raise DataError(
                f"These answers cannot be used ({fault}): give those that PerturbedRecorder kept."
            )

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def correct(self) -> npt.NDArray[np.bool_]:
        """`(R,)` bool: whether the most probable class is the label."""
        return np.asarray(self.probabilities.argmax(axis=1) == self.labels)

    def take(self, rows: npt.NDArray[np.bool_]) -> "Perturbed":
        """Those rows of which it says so, at least one."""
        numbers = np.flatnonzero(rows).tolist()
        return Perturbed(
            ids=tuple(self.ids[row] for row in numbers),
            corruptions=tuple(self.corruptions[row] for row in numbers),
            families=tuple(self.families[row] for row in numbers),
            severities=self.severities[rows],
            labels=self.labels[rows],
            probabilities=self.probabilities[rows],
            ood_score=self.ood_score[rows],
        )

    def write(self, path: Path) -> None:
        """Write `perturbed.parquet`."""
        values = {
            "id": pa.array(self.ids, pa.string()),
            "corruption": pa.array(self.corruptions, pa.string()),
            "family": pa.array(self.families, pa.string()),
            "severity": pa.array(self.severities, pa.int8()),
            "label": pa.array(self.labels, pa.int64()),
            "probabilities": fixed_size_list(self.probabilities.astype(np.float32, copy=False)),
            "ood_score": pa.array(self.ood_score.astype(np.float32, copy=False)),
        }
        pq.write_table(pa.table(values), path)

    @classmethod
    def read(cls, path: Path) -> "Perturbed":
        """Read `perturbed.parquet`.

        Raises:
            BundleCorruptError: if it is missing, or something else.
        """
        table = read_columns(path, _KIND, _TYPES)
        ids = tuple(table["id"].to_pylist())
        try:
            read = cls(
                ids=ids,
                corruptions=tuple(table["corruption"].to_pylist()),
                families=tuple(table["family"].to_pylist()),
                severities=table["severity"].to_numpy(),
                labels=table["label"].to_numpy(),
                probabilities=matrix(table["probabilities"]),
                ood_score=table["ood_score"].to_numpy(),
            )
        except DataError as error:
            raise corrupt(path, _KIND, error) from error
        strange = strange_id(ids)
        if strange is not None:
            raise corrupt(path, _KIND, f"the id {strange!r} is no hexadecimal sha256")
        return read

    def _shape_fault(self) -> str | None:
        rows = len(self.ids)
        if not rows:
            return "there is none"
        if self.probabilities.ndim != 2 or self.probabilities.shape[1] < _FEWEST_CLASSES:  # noqa: PLR2004 (axes)
            return f"probabilities {self.probabilities.shape} are not those of two classes or more"
        columns = (self.corruptions, self.families)
        arrays = (self.severities, self.labels, self.ood_score, self.probabilities[:, 0])
        if any(len(column) != rows for column in columns) or any(
            array.shape != (rows,) for array in arrays
        ):
            return f"the columns of {rows} ids are of different lengths"
        return None

    def _value_fault(self) -> str | None:
        classes = self.probabilities.shape[1]
        outside = (self.labels < 0) | (self.labels >= classes)
        if outside.any():
            return f"label {self.labels[outside][0]} is none of the {classes} classes"
        beyond = ~(np.abs(self.probabilities - 0.5) - 0.5 <= _ROUNDING)  # also what is no number
        if beyond.any():
            return f"{self.probabilities[beyond][0]} is no probability between 0 and 1"
        return None

    def _origin_fault(self) -> str | None:
        clean = np.array([name == CLEAN for name in self.corruptions])
        if not np.isin(self.severities[~clean], SEVERITIES).all() or self.severities[clean].any():
            return "a severity does not go with its corruption"
        pairs = set(zip(self.corruptions, self.families, strict=True))
        if len(pairs) != len(set(self.corruptions)):
            return "a corruption is of several families"
        if any((name == CLEAN) != (family == CLEAN) for name, family in pairs):
            return f"the family {CLEAN!r} is not that of the images as they were"
        if len(set(zip(self.ids, self.corruptions, strict=True))) != len(self):
            return "an image stands twice under a corruption"
        return None
