import pytest
from labelled_log import LabelledLog
from mlopsproj_core.errors import ConfigError, DataError
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


def tell(log, table, *, classes=CLASSES, actor="anna"):
    with Database(log.url) as database:
        return tell_labels(
            database, table, actor, classes_of=(lambda *_: classes) if classes else None
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
    first, second = log.predict(b"image"), log.predict(b"another")
    table = write(("1.png", "dark", first), ("2.png", "drak", second), ("3.png", "dark", "nobody"))
    with pytest.raises(DataError) as raised:
        tell(log, table)
    for text in ("row 3: 'drak' is no class of made:1", "bright, dark", "row 4", "'nobody'"):
        assert text in str(raised.value)
    assert labels(log, first) == [None]


def test_two_labels_of_one_prediction_are_refused_and_the_same_twice_counts_once(log, write):
    first = log.predict(b"image")
    twice = write(("1.png", "dark", first), ("", "", first), ("2.png", "bright", first))
    for _ in range(2):
        with pytest.raises(DataError, match=r"row 4: .* is 'bright' here and 'dark' in row 2"):
            tell(log, twice)
    assert labels(log, first) == [None]
    same = write(("1.png", "dark", first), ("2.png", "dark", first))
    assert tell(log, same).labels == {"dark": 1}
    assert tell(log, same).labels == {}


def test_a_class_is_known_however_its_letters_are_composed(log, write):
    """Folders of a Mac name classes in one way, what people type is written in the other."""
    composed, apart = "caf\u00e9", "cafe\u0301"
    first = log.predict(b"image")
    tell(log, write(("1.png", composed, first)), classes=(apart, "dark"))
    assert labels(log, first) == [(apart, "anna")]
    assert tell(log, write(("1.png", composed, first)), classes=(apart, "dark")).known == 1
    with pytest.raises(DataError, match="is no class"):
        tell(log, write(("1.png", composed, first)), classes=("dark", "bright"))


@pytest.mark.parametrize("actor", ["", "anna\nben", "x" * 201])
def test_an_actor_is_one_line_as_for_the_service(log, write, actor):
    first = log.predict(b"image")
    with pytest.raises(ConfigError, match="--actor"):
        tell(log, write(("1.png", "dark", first)), actor=actor)
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
