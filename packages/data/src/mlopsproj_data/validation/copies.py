"""Images that stand in a source more than once, and groups that stand in several splits.

Knows nothing of how the writer leaves copies out.
"""

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from mlopsproj_data.records import LabelledSource
from mlopsproj_data.sources.printing import listed, plural
from mlopsproj_data.splits import SPLITS
from mlopsproj_data.validation.columns import Columns, by_value
from mlopsproj_data.validation.findings import Finding, Offender, Severity

_Rows = npt.NDArray[np.int64]


def two_labels(columns: Columns, source: LabelledSource) -> Iterator[Finding]:
    """The same bytes under several labels: nobody knows which is right, so all copies go."""
    copies = [rows for rows in _copies(columns) if np.ptp(columns.labels[rows])]
    if copies:
        dropped = np.sort(np.concatenate(copies))
        yield Finding(
            "same image under two labels",
            Severity.error,
            f"{plural(len(copies), 'image')} under more than one label,"
            f" {plural(dropped.size, 'copy', 'copies')} in all: keep each under its right label"
            " alone.",
            tuple(
                _same(columns, rows, lambda row: f"class {source.classes[columns.labels[row]]}")
                for rows in copies
            ),
            tuple(dropped.tolist()),
        )


def duplicates(columns: Columns) -> Iterator[Finding]:
    """The same bytes more than once, within a split and across splits.

    A warning in either case, since preparation mends it: an image is kept once, and for the test
    where it stands there too.
    """
    within: list[_Rows] = []
    across: list[_Rows] = []

    def split_of(row: int) -> str:
        return SPLITS[columns.splits[row]]

    for rows in _copies(columns):
        (across if np.ptp(columns.splits[rows]) else within).append(rows)
    if within:
        extra = plural(sum(rows.size - 1 for rows in within), "further copy", "further copies")
        yield Finding(
            "duplicates",
            Severity.warning,
            f"{plural(len(within), 'image')} more than once in one split, with {extra}:"
            " each is kept once; remove the others.",
            tuple(_same(columns, rows, split_of) for rows in within),
        )
    if across:
        extra = plural(sum(rows.size - 1 for rows in across), "further copy", "further copies")
        yield Finding(
            "duplicates across splits",
            Severity.warning,
            f"{plural(len(across), 'image')} in more than one split: each is kept once, for the"
            f" test where it stands there, without {extra}; remove these, since a model must"
            " not be judged by what it has learned.",
            tuple(_same(columns, rows, split_of) for rows in across),
        )


def groups_across_splits(columns: Columns) -> Iterator[Finding]:
    """Groups that the source itself divides."""
    offenders, leaking = [], 0
    names = columns.table["group"]
    for rows in by_value(columns.groups, columns.rows):
        counts = np.bincount(columns.splits[rows], minlength=len(SPLITS))
        if np.count_nonzero(counts) > 1:
            leaking += int(counts[1:].sum()) if counts[0] else int(counts[2])
            said = [f"{counts[split]:,} in {SPLITS[split]}" for split in np.flatnonzero(counts)]
            _, first = np.unique(columns.splits[rows], return_index=True)
            shown = tuple(rows[first].tolist())
            offenders.append(Offender(names[int(rows[0])].as_py(), ", ".join(said), shown))
    if offenders:
        yield Finding(
            "groups across splits",
            Severity.warning,
            f"{plural(len(offenders), 'group')} in more than one of the given splits, with"
            f" {plural(leaking, 'image')} that ask about what the model knows from training: move"
            " each group into one split, or leave the splits to be chosen.",
            tuple(offenders),
        )


def _copies(columns: Columns) -> list[_Rows]:
    """Rows of the same bytes, of images that stand there more than once."""
    return [rows for rows in by_value(columns.ids, columns.rows) if rows.size > 1]


def _same(columns: Columns, rows: _Rows, belonging: Callable[[int], str]) -> Offender:
    """The first of several copies, and where the others lie."""
    first, *others = rows.tolist()
    said = [f"{columns.origins[row]} ({belonging(row)})" for row in others]
    return Offender(
        columns.origins[first],
        f"{belonging(first)}; the same as {listed(said)}",
        (first, *others),
    )
