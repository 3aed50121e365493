import pytest
from mlopsproj_core.errors import ConfigError, DataError
from mlopsproj_data.config import DataConfig
from mlopsproj_data.sources.table_columns import Columns, choose_columns, may_hold_labels
from mlopsproj_data.sources.table_files import TableFile


@pytest.fixture
def choose(tmp_path):
    def choose_(header, *rows, **settings):
        (tmp_path / "t.csv").write_text("\n".join([header, *rows]) + "\n")
        return choose_columns(TableFile(tmp_path / "t.csv"), DataConfig(**settings))

    return choose_


@pytest.mark.parametrize(
    ("header", "columns"),
    [
        ("path,label", Columns("path", "label", None, None)),
        ("Image Path,Class-Name", Columns("Image Path", "Class-Name", None, None)),
        ("label,FILENAME,x,Group", Columns("FILENAME", "label", None, "Group")),
        ("image_id,target", Columns("image_id", "target", None, None)),
        ("id,file_name,category,subset", Columns("file_name", "category", None, None)),
        ("url,y", Columns("url", "y", None, None)),
        ("a.png,cat", Columns("1", "2", None, None)),
        ("cat,a.png", Columns("2", "1", None, None)),
    ],
)
def test_columns_are_known_by_usual_names(choose, header, columns):
    assert choose(header) == columns


def test_columns_tell_what_they_are_for(choose):
    chosen = choose("file,label,set", "a,b,Test")
    assert str(chosen) == "path: file, label: label, split: set"


def test_a_set_is_a_split_if_it_holds_any(choose):
    assert choose("file,label,set", "a,b,", "a,b,c,d", "a,b,VAL").split == "set"
    assert choose("file,label,set", "a,b,", "a,b,7").split is None
    assert choose("file,label,set", "a,b,7", split_column="set").split == "set"
    assert choose("file,label,set,split", "a,b,test,7").split == "split"


def test_columns_that_are_named_come_first(choose):
    chosen = choose(
        "path,other,label,art,split,who,group",
        path_column="other",
        label_column="art",
        split_column="split",
        group="who",
    )
    assert chosen == Columns("other", "art", "split", "who")


def test_a_pattern_takes_no_column(choose):
    assert choose("file,label,group", group=r"^(\d+)").group is None


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (
            "file,label,class",
            r"could be the label \(label, class\): name one by data\.label_column=l",
        ),
        (
            "file,path,label",
            r"could be the path \(file, path\): name one by data\.path_column=file",
        ),
        (
            "file,label,splits,split",
            r"could be the split \(splits, split\): name one by data\.split_col",
        ),
        ("file,label,group,groups", r"the group \(group, groups\): name one by data\.group=group"),
        ("file,label,label", r"has 2 columns of the name label: rename all but one"),
        ("a.png,cat,brown", r"could be the label \(2, 3\): name one by data\.label_column=2"),
        ("a.png,a.jpg,cat", r"could be the path \(1, 2\): name one by data\.path_column=1"),
        ("x,label", r"known as the path; it has x, label: name it by data\.path_column=NAME"),
        ("file,x", r"known as the label; it has file, x: name it by data\.label_column=NAME"),
        ("", r"known as the path; it has none"),
    ],
)
def test_what_is_ambiguous_or_lacking_names_the_setting(choose, header, message):
    with pytest.raises(DataError, match=message):
        choose(header)


@pytest.mark.parametrize("role", ["path", "label", "split"])
def test_a_column_that_is_not_there_is_refused(choose, role):
    with pytest.raises(
        ConfigError, match=rf"data\.{role}_column=x is no column of t\.csv, which has"
    ):
        choose("file,label,split", **{f"{role}_column": "x"})


@pytest.mark.parametrize(
    ("header", "likely"),
    [
        ("file,label", True),
        ("file,label,class", True),
        ("a.png,x", True),
        ("file,size", False),
        ("label,count", False),
        ("", False),
        ("file,label,art", True),
    ],
)
def test_some_tables_may_hold_labels(tmp_path, header, likely):
    (tmp_path / "t.csv").write_text(header + "\n")
    assert may_hold_labels(TableFile(tmp_path / "t.csv"), DataConfig()) is likely


def test_a_table_without_a_column_that_is_named_holds_none(tmp_path):
    (tmp_path / "t.csv").write_text("file,label\n")
    table = TableFile(tmp_path / "t.csv")
    assert not may_hold_labels(table, DataConfig(label_column="art"))
    assert may_hold_labels(table, DataConfig(label_column="label"))
