import csv
import datetime as dt
import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlopsproj_core.errors import DataError
from mlopsproj_data.sources.table_files import TableFile

NAMES = "Straße/été 1.png", "b.png"


@pytest.fixture
def write(tmp_path):
    def write_(content, name="t.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write_


def read(path, *columns):
    table = TableFile(path)
    return [(row.number, row.cells) for row in table.rows(columns or table.columns)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_any_encoding_delimiter_and_end_of_line(write, encoding, delimiter, end):
    rows = [("file", "label"), *((name, "größer") for name in NAMES)]
    text = end.join(delimiter.join(row) for row in rows) + end
    path = write(text.encode(encoding))
    assert TableFile(path).columns == ("file", "label")
    assert read(path) == [(2, (NAMES[0], "größer")), (3, (NAMES[1], "größer"))]


def test_the_delimiter_is_the_one_that_cuts_all_rows_alike(write):
    text = "file;label, as told\na,b.png;x\nc.png;y\n"
    assert read(write(text), "file") == [(2, ("a,b.png",)), (3, ("c.png",))]


cells = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), min_size=1).filter(
    lambda text: text.strip() == text
)


@given(rows=st.lists(st.tuples(cells, cells), min_size=1, max_size=5), data=st.data())
def test_what_a_program_writes_is_read_again(tmp_path_factory, rows, data):
    delimiter = data.draw(st.sampled_from(",;\t|"))
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows(
        [("file", "label"), *rows]
    )
    path = tmp_path_factory.mktemp("tables") / "t.csv"
    path.write_bytes(text.getvalue().encode())
    assert [row for _, row in read(path)] == rows


def test_rows_are_numbered_as_a_spreadsheet_does(write):
    path = write('file,label\n\na.png,"two\nlines"\n,\nb.png,\n')
    assert read(path) == [(3, ("a.png", "two\nlines")), (5, ("b.png", ""))]


def test_short_rows_are_filled_and_long_ones_told(write):
    path = write("file,label\na.png\nb.png,x,y\nc.png,x,,\n")
    assert read(path) == [(2, ("a.png", "")), (3, None), (4, ("c.png", "x"))]


def test_cells_lose_the_blanks_around(write):
    assert read(write(" file , label\n a.png ,  x y \n")) == [(2, ("a.png", "x y"))]


class TestWithoutHeader:
    def test_columns_are_numbers(self, write):
        path = write("a.PNG,x\nb.png,y\n")
        table = TableFile(path)
        assert (table.columns, table.image_columns) == (("1", "2"), ("1",))
        assert read(path, "2", "1") == [(1, ("x", "a.PNG")), (2, ("y", "b.png"))]

    def test_several_may_hold_images(self, write):
        assert TableFile(write("a.png,x,a.jpg\n")).image_columns == ("1", "3")


def test_a_letter_may_be_cut_where_the_sample_ends(write):
    text = "file,label\n" + "é.png,ü\n" * 20_000
    for shift in range(2):
        rows = read(write(text.replace("file", "file" + "x" * shift)))
        assert (len(rows), rows[-1]) == (20_000, (20_001, ("é.png", "ü")))


@pytest.mark.parametrize("content", ["", "\n\n", "\ufeff"])
def test_an_empty_file_has_no_columns(write, content):
    table = TableFile(write(content))
    assert (table.columns, list(table.rows(()))) == ((), [])


@pytest.mark.parametrize(
    "content",
    [b'file,label\na.png,"' + b"x" * 200_000, b"PAR1broken"],
)
def test_what_is_no_table_is_told(write, content):
    with pytest.raises(DataError, match=r"t\.csv cannot be read as a table \(.*\): save it as CSV"):
        read(write(content))


def test_a_workbook_is_no_text(write):
    with pytest.raises(DataError, match=r"as a table \(it is no text\): save it as CSV \(UTF-8\)"):
        TableFile(write(b"PK\3\4\x14\0\6\0\x08\0", "t.xlsx"))


def test_names_of_columns_are_one_line(write, tmp_path):
    assert TableFile(write('"file\nname",\x1b[31mlabel\n')).columns == (
        r"file\nname",
        r"\x1b[31mlabel",
    )
    pq.write_table(pa.table({"file\nname": ["a.png"]}), tmp_path / "t.parquet")
    assert read(tmp_path / "t.parquet", r"file\nname") == [(1, ("a.png",))]


def test_bytes_of_another_encoding_far_below_are_told(write):
    text = b"file,label\n" + b"a.png,x\n" * 20_000 + b"\xe9.png,y\n"
    with pytest.raises(DataError, match="cannot be read as a table"):
        read(write(text))


def test_a_folder_is_no_table(tmp_path):
    with pytest.raises(DataError, match="cannot be read as a table"):
        TableFile(tmp_path)


class TestParquet:
    def write(self, path, **columns):
        pq.write_table(pa.table(columns), path)
        return path

    def test_is_read_as_text(self, tmp_path):
        path = self.write(
            tmp_path / "t.parquet",
            file=["a.png", " b.png ", None],
            whole=[1, 2, None],
            floats=[1.0, 2.5, float("nan")],
            kind=pa.array(["x", "y", "x"]).dictionary_encode(),
            flag=[True, False, None],
            day=[dt.date(2026, 1, 2)] * 3,
        )
        assert read(path) == [
            (1, ("a.png", "1", "1", "x", "True", "2026-01-02")),
            (2, ("b.png", "2", "2.5", "y", "False", "2026-01-02")),
            (3, ("", "", "", "x", "", "2026-01-02")),
        ]

    def test_is_known_by_its_content(self, tmp_path):
        path = self.write(tmp_path / "t.csv", file=["a.png"], label=["x"])
        assert read(path, "label", "file") == [(1, ("x", "a.png"))]

    def test_a_column_of_something_else_is_told(self, tmp_path):
        path = self.write(tmp_path / "t.pq", image=[{"bytes": b"x"}], label=["x"])
        with pytest.raises(DataError, match=r"column image holds struct<.*>: text or numbers are"):
            read(path, "image")
        assert read(path, "label") == [(1, ("x",))]

    def test_a_truncated_file_is_told(self, tmp_path):
        path = self.write(tmp_path / "t.parquet", file=["a.png"])
        path.write_bytes(path.read_bytes()[:-20])
        with pytest.raises(DataError, match=r"t\.parquet cannot be read as a table"):
            TableFile(path)
