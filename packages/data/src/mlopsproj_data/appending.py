"""A source that goes on where another one ends: what was prepared of that one is used again.

Its pixels are copied, not decoded. Only records that it left out are looked at once more. Knows
nothing of where prepared data sets stand, or of how the rest is prepared.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mlopsproj_data.examination import EXAMINED
from mlopsproj_data.prepared import ROWS, TABLE, PreparedDataset, pixel_file
from mlopsproj_data.records import LabelledSource
from mlopsproj_data.splits import SPLITS
from mlopsproj_data.unfinished import begin_unfinished

_LEFT_OUT: Final = "It was left out before, and is looked at again."


def begin_with(dataset: PreparedDataset, base: LabelledSource, draft: Path) -> None:
    """Begin a preparation with what was prepared of the source that it begins with.

    Args:
        dataset: prepared of `base`; of one that does not tell its rows nothing is used.
        base: the source.
        draft: of the preparation, in which nothing is recorded yet.

    Raises:
        OSError: if it cannot be read or written.
    """
    if not (dataset.folder / ROWS).exists():
        return  # of an earlier release
    rows = pq.read_table(dataset.folder / ROWS)
    table = pq.read_table(dataset.folder / TABLE)
    labels = np.array([base.classes.index(name) for name in dataset.classes])
    known: Mapping[str, Any] = {
        **{name: table[name] for name in table.column_names},
        "label": pa.array(labels[table["label"].to_numpy()]),
        "given": rows["given"],
        "problem": pa.nulls(len(table), pa.string()),
        "row": rows["row"],
        "place": pa.array(_places(table["split"])),
    }
    lacking = np.setdiff1d(np.arange(base.count), rows["row"].to_numpy())
    unread: Mapping[str, Any] = {
        "row": pa.array(lacking),
        "problem": pa.array([_LEFT_OUT] * len(lacking), pa.string()),
    }
    schema = pa.schema([("row", pa.int64()), ("place", pa.int64()), *EXAMINED])
    whole = pa.concat_tables(_as(schema, part) for part in (known, unread)).sort_by("row")
    begin_unfinished(draft, whole, {split: pixel_file(dataset.folder, split) for split in SPLITS})


def as_in_base(table: pa.Table, count: int) -> pa.Table:
    """Give images that the base holds too the group and the given split that they have there.

    An image is then divided as it was, and kept once, where it was.

    Args:
        table: of examined records, with the columns id, given and group of `EXAMINED`.
        count: records of the base, which stand first.
    """
    own, added = table.slice(0, count), table.slice(count)
    again = own.filter(pc.is_in(own["id"], value_set=added["id"].combine_chunks().drop_null()))
    if not len(again):
        return table
    twins = {row["id"]: row for row in again.select(["id", "given", "group"]).to_pylist()}
    for name in ("given", "group"):
        values = added[name].to_pylist()
        for place, id_ in enumerate(added["id"].to_pylist()):
            if id_ in twins:
                values[place] = twins[id_][name]
        index = added.schema.get_field_index(name)
        added = added.set_column(index, added.schema.field(name), pa.array(values, pa.string()))
    return pa.concat_tables([own, added])


def _places(splits: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    """Place of each image among those of its split."""
    names = splits.to_numpy()
    places = np.zeros(len(names), dtype=np.int64)
    for split in SPLITS:
        chosen = np.flatnonzero(names == split)
        places[chosen] = np.arange(len(chosen))
    return places


def _as(schema: pa.Schema, columns: Mapping[str, Any]) -> pa.Table:
    """Columns in the order of a schema; those that are lacking are null."""
    count = len(columns["row"])
    arrays = [columns.get(field.name, pa.nulls(count, field.type)) for field in schema]
    return pa.table(arrays, names=schema.names).cast(schema)
