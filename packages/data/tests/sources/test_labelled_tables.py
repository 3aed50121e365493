import os
import unicodedata

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlopsproj_data.config import DataConfig
from mlopsproj_data.sources.labelled_tables import Place, read_labelled_table
from mlopsproj_data.sources.table_columns import choose_columns
from mlopsproj_data.sources.table_files import TableFile


@pytest.fixture
def root(tmp_path):
    (tmp_path / "root" / "images").mkdir(parents=True)
    (tmp_path / "secret.png").write_bytes(b"x")
    for name in ("a.png", "b.png", "images/c.png"):
        (tmp_path / "root" / name).write_bytes(b"x")
    return tmp_path / "root"


@pytest.fixture
def read(tmp_path, root):
    """Reads rows of a table of file, label, split and group."""

    def read_(*rows, url=None, header="file,label,split,group"):
        (tmp_path / "t.csv").write_text("\n".join([header, *rows]), encoding="utf-8")
        table = TableFile(tmp_path / "t.csv")
        place = Place(root, (root,), url, tmp_path / "downloads")
        columns = choose_columns(table, DataConfig())
        return read_labelled_table(table, columns, place, group_needed=False)

    return read_


def told(files):
    return [(file.name, file.label, file.split, file.group) for file in files]


def problems(issues):
    return [(issue.check, issue.origin, issue.detail) for issue in issues]


def test_rows_become_files_in_their_order(read, root):
    files, issues = read("images/c.png,x,Training,g", "a.png,y,TEST,", "b.png,x,val,g", "b.png,y,,")
    assert told(files) == [
        ("images/c.png", "x", "train", "g"),
        ("a.png", "y", "test", None),
        ("b.png", "x", "validation", "g"),
        ("b.png", "y", None, None),  # under two labels: for the checks to find
    ]
    assert issues == []
    assert files[0].path.read_bytes() == b"x"


@pytest.mark.parametrize(
    ("row", "check", "detail"),
    [
        ("a.png,,,", "blank label", "a.png"),
        ("a.png", "blank label", "a.png"),
        (",x,,", "blank path", "label x"),
        ("a.png,x,later,", "unknown split", "later: a.png"),
        ("a.png,x,,,more", "broken row", "more cells than 4 columns"),
        ("gone.png,x,,", "missing file", "gone.png"),
        ("images/a.png,x,,", "missing file", "images/a.png"),
        ("images,x,,", "not a file", "images"),
        ("images/,x,,", "not a file", "images/"),
        (".,x,,", "not a file", "."),
        ("../secret.png,x,,", "outside the folder", "../secret.png"),
        ("..\\secret.png,x,,", "outside the folder", "..\\secret.png"),
        ("../root-2/secret.png,x,,", "outside the folder", "../root-2/secret.png"),
        ("images/../../secret.png,x,,", "outside the folder", "images/../../secret.png"),
        ("/etc/passwd,x,,", "outside the folder", "/etc/passwd"),
        ("..,x,,", "outside the folder", ".."),
        ("file:///etc/passwd,x,,", "missing file", "file:///etc/passwd"),
        ('"a\n.png",x,,', "missing file", r"a\n.png"),
        ("x" * 5000 + ",x,,", "missing file", "x" * 5000),
    ],
)
def test_what_cannot_become_a_file_is_told_with_its_row(read, row, check, detail):
    if os.name == "nt" and detail.startswith("/"):
        pytest.skip("no absolute path on Windows")
    files, issues = read("b.png,x,,", row)
    assert told(files) == [("b.png", "x", None, None)]
    assert problems(issues) == [(check, "t.csv row 3", detail)]


def test_an_absolute_path_inside_is_taken(read, root):
    [file], issues = read(f"{root / 'images' / 'c.png'},x,,")
    assert (file.name, issues) == ("images/c.png", [])


def test_no_file_has_a_null_in_its_name(tmp_path, root):
    pq.write_table(pa.table({"file": ["a\0.png"], "label": ["x"]}), tmp_path / "t.parquet")
    table = TableFile(tmp_path / "t.parquet")
    place = Place(root, (root,), None, tmp_path / "downloads")
    columns = choose_columns(table, DataConfig())
    _, issues = read_labelled_table(table, columns, place, group_needed=False)
    assert problems(issues) == [("missing file", "t.parquet row 1", r"a\x00.png")]


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege on Windows")
def test_links_stay_inside(read, root, tmp_path):
    (root / "in.png").symlink_to("images/c.png")
    (root / "out.png").symlink_to(tmp_path / "secret.png")
    (root / "up").symlink_to("..", target_is_directory=True)
    (root / "loop.png").symlink_to("loop.png")
    files, issues = read(*(f"{n},x,," for n in ("in.png", "out.png", "up/secret.png", "loop.png")))
    assert told(files) == [("images/c.png", "x", None, None)]
    assert [check for check, *_ in problems(issues)] == [
        "outside the folder",
        "outside the folder",
        "missing file",
    ]


@given(parts=st.lists(st.sampled_from(["..", ".", "images", "a.png", "", "secret.png", "\\"])))
def test_no_path_leads_out(tmp_path_factory, parts):
    tmp_path = tmp_path_factory.mktemp("out")
    (tmp_path / "root" / "images").mkdir(parents=True)
    for name in ("secret.png", "root/a.png", "images/secret.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "t.csv").write_text(f'file,label\n"{"/".join(parts)}",x\n')
    table = TableFile(tmp_path / "t.csv")
    root = tmp_path / "root"
    place = Place(root, (root,), None, tmp_path / "downloads")
    files, issues = read_labelled_table(
        table, choose_columns(table, DataConfig()), place, group_needed=False
    )
    assert len(files) + len(issues) == 1
    assert all(file.path.samefile(root / "a.png") for file in files)


class TestByName:
    def test_a_name_alone_is_found_in_any_folder(self, read):
        files, issues = read("c.png,x,,", "c,y,,")
        assert [file.name for file in files] == ["images/c.png", "images/c.png"]
        assert issues == []

    def test_a_name_that_stands_twice_is_ambiguous(self, read, root):
        (root / "more").mkdir()
        (root / "more" / "c.png").write_bytes(b"x")
        _, issues = read("c.png,x,,")
        assert problems(issues) == [
            ("ambiguous path", "t.csv row 2", "c.png may be images/c.png and more/c.png")
        ]

    @pytest.mark.parametrize("told_as", ["NFC", "NFD"])
    @pytest.mark.parametrize("kept_as", ["NFC", "NFD"])
    @pytest.mark.parametrize("folder", ["", "images/"])
    def test_letters_may_be_composed_otherwise(self, read, root, told_as, kept_as, folder):
        name = "caf\u00e9.png"
        (root / "images" / unicodedata.normalize(kept_as, name)).write_bytes(b"x")
        [file], issues = read(f"{folder}{unicodedata.normalize(told_as, name)},x,,")
        assert (file.origin, issues) == (f"images/{name}", [])

    def test_windows_separators_are_taken(self, read):
        [file], _ = read("images\\c.png,x,,")
        assert file.name == "images/c.png"


class TestUrls:
    def test_of_images(self, read, web, tmp_path):
        (web.folder / "w 1.png").write_bytes(b"x")
        rows = (f"{web.url}/w 1.png,x,,", "a.png,y,,", f"{web.url}/gone.png,y,,")
        files, issues = read(*rows)
        assert told(files) == [(f"{web.url}/w 1.png", "x", None, None), ("a.png", "y", None, None)]
        assert files[0].path.is_relative_to(tmp_path / "downloads")
        assert problems(issues) == [
            ("download failed", "t.csv row 4", f"{web.url}/gone.png: not found")
        ]
        assert read(*rows)[0] == files
        assert web.asked.count("/w%201.png") == 1

    def test_that_paths_are_relative_to(self, read, web):
        (web.folder / "images").mkdir()
        (web.folder / "images" / "1.png").write_bytes(b"x")
        files, issues = read(
            "images/1.png,x,,", "file:///etc/hostname,x,,", url=f"{web.url}/labels.csv"
        )
        assert [file.name for file in files] == [f"{web.url}/images/1.png"]
        [(check, _, detail)] = problems(issues)
        assert (check, detail[:37]) == ("download failed", "file:///etc/hostname: none of abfs, a")
