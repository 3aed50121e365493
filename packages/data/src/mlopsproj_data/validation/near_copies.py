"""Pictures that look the same though their bytes differ, across splits or labels.

Knows nothing of how likeness is measured.
"""

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from mlopsproj_data.perceptual_hash import near_pairs
from mlopsproj_data.records import LabelledSource
from mlopsproj_data.sources.printing import plural
from mlopsproj_data.splits import SPLITS, TEST
from mlopsproj_data.validation.columns import Columns
from mlopsproj_data.validation.findings import Finding, Offender, Severity

_Rows = npt.NDArray[np.int64]


def near_duplicates(columns: Columns, source: LabelledSource) -> Iterator[Finding]:
    """Both kinds of near copies that matter; within a split and class they do no harm."""
    rows = _kept_copies(columns)
    across, disagreeing = _Pairs(columns.splits), _Pairs(columns.labels)
    for places in near_pairs(columns.hashes(rows)):
        for pairs in (across, disagreeing):
            pairs.add(rows[places])
    if across.images:
        yield Finding(
            "near duplicates across splits",
            Severity.warning,
            f"{plural(across.images, 'image')} that look the same as one in another split: if they"
            " show the same thing, remove one of each pair, or give both the same group"
            " (data.group), or the test flatters the model.",
            across.offenders(columns, lambda row: SPLITS[columns.splits[row]]),
        )
    if disagreeing.images:
        yield Finding(
            "near-identical under two labels",
            Severity.warning,
            f"{plural(disagreeing.images, 'image')} that look the same as one of another class:"
            " look at each pair, and correct the label that is wrong.",
            disagreeing.offenders(
                columns, lambda row: f"class {source.classes[columns.labels[row]]}"
            ),
        )


def _kept_copies(columns: Columns) -> _Rows:
    """One row for each image: the one that preparation keeps, of the test if there is one."""
    tested = columns.splits[columns.rows] == SPLITS.index(TEST)
    rows = columns.rows[np.argsort(~tested, kind="stable")]
    _, first = np.unique(columns.ids[rows], return_index=True)
    return np.sort(rows[first])


class _Pairs:
    """Pairs whose values differ, so many that each image stands in one: all may look the same."""

    def __init__(self, values: _Rows) -> None:
        """Values are those of all rows."""
        self._values = values
        self._seen = np.zeros(values.size, dtype=np.bool_)
        self._kept: list[_Rows] = []

    @property
    def images(self) -> int:
        """That stand in a pair."""
        return int(np.count_nonzero(self._seen))

    def add(self, pairs: _Rows) -> None:
        """Keep of `(pairs, 2)` rows what tells of an image that no pair told of."""
        pairs = pairs[self._values[pairs[:, 0]] != self._values[pairs[:, 1]]]
        for side in (0, 1):
            new = pairs[~self._seen[pairs[:, side]]]
            _, first = np.unique(new[:, side], return_index=True)
            self._kept.append(new[first])
            self._seen[new[first]] = True

    def offenders(self, columns: Columns, belonging: Callable[[int], str]) -> tuple[Offender, ...]:
        """The pairs in the order of the records."""
        pairs = np.concatenate(self._kept)
        pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
        return tuple(
            Offender(
                columns.origins[one],
                f"{belonging(one)}; like {columns.origins[other]} ({belonging(other)})",
                (one, other),
            )
            for one, other in pairs.tolist()
        )
