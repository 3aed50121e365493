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
        if name not in table.column_names:
            raise corrupt(path, kind, f"it has no column {name!r}")
        found = table.schema.field(name).type
        if found != expected and not _is_matrix(found, expected):
            raise corrupt(path, kind, f"the column {name!r} is {found}, not {expected}")
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


def _is_matrix(found: pa.DataType, expected: pa.DataType) -> bool:
    """Whether both are lists of the same numbers, and the found ones all of one length."""
    return bool(
        pa.types.is_list(expected)
        and pa.types.is_fixed_size_list(found)
        and found.value_type == expected.value_type
    )


def _has_nulls(column: pa.ChunkedArray) -> bool:
    if column.null_count:
        return True
    return pa.types.is_fixed_size_list(column.type) and any(
        chunk.flatten().null_count for chunk in column.chunks
    )
