import re

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlopsproj_core.errors import BundleCorruptError
from mlopsproj_evaluation.tables import fixed_size_list, matrix, read_columns

PAIRS = pa.list_(pa.float32(), 2)
TYPES = {"name": pa.string(), "vector": pa.list_(pa.float32())}


def make_table(rows=3, width=2):
    return pa.table(
        {
            "name": pa.array([f"row {row}" for row in range(rows)], pa.string()),
            "vector": fixed_size_list(np.arange(rows * width, dtype=np.float32).reshape(rows, -1)),
        }
    )


@settings(max_examples=50)
@given(st.integers(1, 20), st.integers(1, 5), st.integers(1, 7))
def test_a_matrix_comes_back_in_whatever_pieces_it_lies(rows, width, piece):
    values = np.arange(rows * width, dtype=np.float32).reshape(rows, width)
    column = fixed_size_list(values)
    pieces = [column.slice(start, piece) for start in range(0, rows, piece)]
    assert (matrix(pa.chunked_array(pieces)) == values).all()


@pytest.mark.parametrize("kind", [np.float16, np.float32])
def test_a_column_keeps_its_dtype_and_a_strided_matrix_its_values(kind):
    values = np.arange(12, dtype=kind).reshape(3, 4)[:, ::2]
    column = fixed_size_list(values)
    assert column.type == pa.list_(pa.from_numpy_dtype(kind), 2)
    assert (matrix(pa.chunked_array([column])) == values).all()


def test_no_rows_give_an_empty_matrix(tmp_path):
    pq.write_table(make_table().slice(0, 0), tmp_path / "table")
    table = read_columns(tmp_path / "table", "test", TYPES)
    assert matrix(table["vector"]).shape == (0, 2)


def test_reads_the_columns_that_are_asked_for(tmp_path):
    pq.write_table(make_table().append_column("more", pa.array([1, 2, 3])), tmp_path / "table")
    table = read_columns(tmp_path / "table", "test", TYPES)
    assert table.equals(make_table())


def without(name):
    return make_table().drop_columns([name])


def with_column(name, values):
    table = make_table()
    return table.set_column(table.column_names.index(name), name, values)


def twice(name):
    table = make_table()
    return table.append_column(name, table[name])


FAULTS = {
    "no column": (without("vector"), "no column 'vector'"),
    "two of one name": (twice("name"), "no column 'name', or several"),
    "another type": (with_column("name", pa.array([1, 2, 3])), "is int64, not string"),
    "a type that reads alike": (
        with_column("name", pa.array(["a", "b", "c"], pa.large_string())),
        "is large_string, not string",
    ),
    "null": (with_column("name", pa.array(["a", None, "c"])), "'name' lacks values"),
    "null list": (
        with_column(
            "vector",
            pa.concat_arrays([pa.array([[1, 2]] * 2, PAIRS), pa.nulls(1, PAIRS)]),
        ),
        # Before 25, pyarrow itself reads none.
        r"'vector' lacks values|Expected all lists to be of size=2",
    ),
    "null within a list": (
        with_column("vector", pa.array([[1, 2], [3, None], [5, 6]], pa.list_(pa.float32(), 2))),
        "'vector' lacks values",
    ),
    "lists of another number": (
        with_column("vector", pa.array([[1, 2]] * 3, pa.list_(pa.float64(), 2))),
        "not lists of float, all of one length",
    ),
    "lists of differing lengths": (
        with_column("vector", pa.array([[1, 2], [3], []], pa.list_(pa.float32()))),
        "not lists of float, all of one length",
    ),
    "lists that only happen to be of one length": (
        with_column("vector", pa.array([[1, 2]] * 3, pa.list_(pa.float32()))),
        "not lists of float, all of one length",
    ),
    "no lists": (with_column("vector", pa.array([1, 2, 3], pa.float32())), "not lists of float"),
}


@pytest.mark.parametrize(("table", "reason"), FAULTS.values(), ids=FAULTS)
def test_refuses_a_table_of_something_else(tmp_path, table, reason):
    pq.write_table(table, tmp_path / "table")
    with pytest.raises(BundleCorruptError, match="holds no test") as error:
        read_columns(tmp_path / "table", "test", TYPES)
    assert re.search(reason, str(error.value))
    assert str(tmp_path / "table") in str(error.value)


def test_refuses_a_missing_file_and_a_folder(tmp_path):
    for path in (tmp_path / "missing", tmp_path):
        with pytest.raises(BundleCorruptError, match="publish or fetch the bundle again"):
            read_columns(path, "test", TYPES)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" * 10, b"text, not a table"])
def test_refuses_a_file_that_is_no_table(tmp_path, content):
    (tmp_path / "table").write_bytes(content)
    with pytest.raises(BundleCorruptError):
        read_columns(tmp_path / "table", "test", TYPES)


def test_refuses_a_file_cut_off_anywhere(tmp_path):
    pq.write_table(make_table(rows=50), tmp_path / "table")
    whole = (tmp_path / "table").read_bytes()
    for length in range(0, len(whole), 37):
        (tmp_path / "table").write_bytes(whole[:length])
        with pytest.raises(BundleCorruptError):
            read_columns(tmp_path / "table", "test", TYPES)


def test_refuses_text_that_is_no_utf_8(tmp_path):
    pq.write_table(make_table(), tmp_path / "table", compression="none", use_dictionary=False)
    content = (tmp_path / "table").read_bytes().replace(b"row 1", b"r\xff\xfe 1")
    (tmp_path / "table").write_bytes(content)
    with pytest.raises(BundleCorruptError):
        read_columns(tmp_path / "table", "test", TYPES)
