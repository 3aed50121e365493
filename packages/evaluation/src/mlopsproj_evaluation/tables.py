"""Parquet tables of a bundle: matrices as columns, and a reader that trusts no file.

Knows nothing of what the columns mean.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from mlopsproj_core.errors import BundleCorruptError
from mlopsproj_core.outputs import Floats


def read_columns(path: Path, kind: str, types: Mapping[str, pa.DataType]) -> pa.Table:
    """Read some columns, each of which must have its type and a value in every row.

    Args:
        path: of the Parquet file.
        kind: what it should hold, named in the error.
        types: of the columns that are wanted; a list type stands for lists of any one length.

    Raises:
        BundleCorruptError: if the file is missing, unreadable, or holds something else.
    """
    try:
        with pq.ParquetFile(path) as file:
            table = file.read(columns=list(types))
        table.validate(full=True)
    except (OSError, pa.ArrowException) as error:
        raise corrupt(path, kind, error) from error
    for name, expected in types.items():
        if table.column_names.count(name) != 1:
            raise corrupt(path, kind, f"it has no column {name!r}, or several")
        found = table.schema.field(name).type
        if not _fits(found, expected):
            raise corrupt(path, kind, f"the column {name!r} is {found}, not {_describe(expected)}")
        if _has_nulls(table[name]):
            raise corrupt(path, kind, f"the column {name!r} lacks values")
    return table


def corrupt(path: Path, kind: str, reason: object) -> BundleCorruptError:
    """The error for a table that cannot be used."""
    return BundleCorruptError(
        f"{path} holds no {kind} ({reason}): publish or fetch the bundle again."
    )


def fixed_size_list(values: npt.NDArray[np.floating]) -> pa.FixedSizeListArray:
    """`(N, M)` as an Arrow column of lists of M, of the same dtype."""
    flat = pa.array(np.ascontiguousarray(values).reshape(-1))
    return pa.FixedSizeListArray.from_arrays(flat, values.shape[1])


def matrix(column: pa.ChunkedArray) -> Floats:
    """A column of lists of M as `(N, M)` float32."""
    flat = column.combine_chunks().flatten().to_numpy(zero_copy_only=False)
    return np.asarray(flat.astype(np.float32).reshape(len(column), column.type.list_size))


def _fits(found: pa.DataType, expected: pa.DataType) -> bool:
    """Whether they are the same; where a list is expected, one length must hold for all rows."""
    if not pa.types.is_list(expected):
        return bool(found == expected)
    return bool(pa.types.is_fixed_size_list(found) and found.value_type == expected.value_type)


def _describe(expected: pa.DataType) -> str:
    if pa.types.is_list(expected):
        return f"lists of {expected.value_type}, all of one length"
    return str(expected)


def _has_nulls(column: pa.ChunkedArray) -> bool:
    if column.null_count:
        return True
    return pa.types.is_fixed_size_list(column.type) and any(
        chunk.flatten().null_count for chunk in column.chunks
    )
