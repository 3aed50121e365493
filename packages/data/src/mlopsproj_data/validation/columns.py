"""The table of examined records as numpy columns, which all checks share.

Knows nothing of what is wrong with them.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from mlopsproj_data.splits import SPLITS

NONE: Final = -1
"""Code of a value that is missing."""


@dataclass(frozen=True, eq=False)
class Columns:
    """Examined records, in the order of the source.

    Attributes:
        table: as `examination.EXAMINED` says.
        kept: `(N,)` bool: the image can be used, and no error leaves it out.
        origins: where each lies, for people.
        ids: `(N,)` int64, the same for the same bytes; `NONE` for what cannot be read.
        labels: `(N,)` int64, indices into the classes.
        splits: `(N,)` int64, indices into `SPLITS`: the chosen ones, `NONE` with a problem.
        groups: `(N,)` int64, the same for the same group; `NONE` without one.
    """

    table: pa.Table
    kept: npt.NDArray[np.bool_]
    origins: list[str]
    ids: npt.NDArray[np.int64]
    labels: npt.NDArray[np.int64]
    splits: npt.NDArray[np.int64]
    groups: npt.NDArray[np.int64]

    @classmethod
    def of(cls, table: pa.Table) -> "Columns":
        """All usable records are kept."""
        return cls(
            table=table,
            kept=table["problem"].is_null().to_numpy(),
            origins=table["source"].to_pylist(),
            ids=_codes(table["id"]),
            labels=table["label"].to_numpy(),
            splits=_places(table["split"]),
            groups=_codes(table["group"]),
        )

    def without(self, rows: npt.NDArray[np.int64]) -> "Columns":
        """The same records, of which these are no longer kept."""
        kept = self.kept.copy()
        kept[rows] = False
        return Columns(
            self.table, kept, self.origins, self.ids, self.labels, self.splits, self.groups
        )

    @property
    def rows(self) -> npt.NDArray[np.int64]:
        """`(kept,)` places of the kept records."""
        return np.flatnonzero(self.kept)

    def numbers(self, name: str) -> npt.NDArray[np.float64]:
        """`(kept,)` values of a numeric column."""
        return np.asarray(self.table[name].to_numpy()[self.kept], dtype=np.float64)

    def texts(self, name: str) -> list[str | None]:
        """`(kept,)` values of a column of text."""
        return self.table[name].filter(pa.array(self.kept)).to_pylist()  # type: ignore[no-any-return]

    def hashes(self, rows: npt.NDArray[np.int64]) -> list[bytes | None]:
        """Perceptual hashes of some records."""
        return self.table["perceptual_hash"].take(pa.array(rows)).to_pylist()  # type: ignore[no-any-return]


def by_value(
    values: npt.NDArray[np.int64], rows: npt.NDArray[np.int64]
) -> list[npt.NDArray[np.int64]]:
    """Divide rows by their values: one array of rows for each value but `NONE`.

    Args:
        values: `(N,)` of all rows.
        rows: which are divided; their order is kept.
    """
    rows = rows[values[rows] != NONE]
    order = rows[np.argsort(values[rows], kind="stable")]
    starts = np.flatnonzero(np.diff(values[order])) + 1
    return [part for part in np.split(order, starts) if part.size]


def _codes(column: Any) -> npt.NDArray[np.int64]:
    encoded = column.combine_chunks().dictionary_encode()
    return encoded.indices.fill_null(NONE).to_numpy().astype(np.int64)  # type: ignore[no-any-return]


def _places(column: Any) -> npt.NDArray[np.int64]:
    places = {name: place for place, name in enumerate(SPLITS)}
    return np.array([places.get(name, NONE) for name in column.to_pylist()], dtype=np.int64)
