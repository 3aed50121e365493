import pytest
from labelled_log import LabelledLog
from mlopsproj_core.errors import DataError
from mlopsproj_data.labelling.filled_table import tell_labels
from mlopsproj_records import Database

CLASSES = ("bright", "dark")


@pytest.fixture
def log(tmp_path) -> LabelledLog:
    return LabelledLog(tmp_path / "log")


@pytest.fixture
def write(tmp_path):
    def table(*rows, head="image,label,prediction_id", encoding="utf-8", delimiter=","):
        path = tmp_path / "labels.csv"
        lines = [head, *(",".join(row) for row in rows)]
        path.write_text("\n".join(lines).replace(",", delimiter) + "\n", encoding=encoding)
        return path

    return table


def tell(log, table, *, classes=CLASSES):
    with Database(log.url) as database:
        return tell_labels(
            database, table, "anna", classes_of=(lambda *_: classes) if classes else None
        )


def labels(log, *ids):
    with Database(log.url) as database:
        said = [database.prediction(each).feedback for each in ids]
        return [each and (each.label, each.actor) for each in said]


@pytest.mark.parametrize(
    ("encoding", "delimiter"), [("utf-8", ","), ("utf-8-sig", ";"), ("utf-16", "\t")]
)
def test_labels_are_recorded_whatever_program_saved_the_table(log, write, encoding, delimiter):
    first, second, third = (log.predict(str(number).encode()) for number in range(3))
    table = write(
        ("1.png", "dark", first),
        ("2.png", "", second),
        ("3.png", "bright", third),
        encoding=encoding,
        delimiter=delimiter,
    )
    told = tell(log, table)
    assert (told.labels, told.blank, told.known) == ({"dark": 1, "bright": 1}, 1, 0)
    assert labels(log, first, second, third) == [("dark", "anna"), None, ("bright", "anna")]


def test_the_same_table_again_changes_nothing_and_a_correction_counts(log, write):
    first = log.predict(b"image")
    tell(log, write(("1.png", "dark", first)))
    again = tell(log, write(("1.png", "dark", first)))
    assert (again.labels, again.known) == ({}, 1)
    tell(log, write(("1.png", "bright", first)))
    assert labels(log, first) == [("bright", "anna")]


def test_a_wrong_row_is_named_and_nothing_is_recorded(log, write):
    first = log.predict(b"image")
    table = write(("1.png", "dark", first), ("2.png", "drak", first), ("3.png", "dark", "nobody"))
    with pytest.raises(DataError) as raised:
        tell(log, table)
    for text in ("row 3: 'drak' is no class of made:1", "bright, dark", "row 4", "'nobody'"):
        assert text in str(raised.value)
    assert labels(log, first) == [None]


def test_a_new_class_is_taken_where_classes_do_not_count(log, write):
    first = log.predict(b"image")
    tell(log, write(("1.png", "grey", first)), classes=None)
    assert labels(log, first) == [("grey", "anna")]
    with pytest.raises(DataError, match="is no label: give one line of at most 200"):
        tell(log, write(("1.png", "x" * 201, first)), classes=None)


def test_a_table_of_another_kind_is_refused(log, write, tmp_path):
    with pytest.raises(DataError, match="has no column prediction_id, only image, label"):
        tell(log, write(("1.png", "dark"), head="image,label"))
    with pytest.raises(DataError, match="is no file"):
        tell(log, tmp_path / "none.csv")
