from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlopsproj_core.errors import BundleCorruptError, DataError
from mlopsproj_evaluation import Robustness


@settings(max_examples=40)
@given(
    images=st.integers(1, 20),
    corruptions=st.integers(1, 15),
    suite=st.integers(0, 2**31 - 1),
    seed=st.integers(-(2**63), 2**63 - 1),
)
def test_what_is_written_is_read_again(make_outcomes, tmp_path_factory, **drawn):
    rng = np.random.default_rng(drawn["suite"])
    shape = drawn["images"], drawn["corruptions"]
    ours = make_outcomes(
        rng.random(shape) < 0.5,
        clean=rng.random(shape[0]) < 0.5,
        severities=rng.integers(1, 6, shape).astype(np.int8),
        suite=drawn["suite"],
        seed=drawn["seed"],
    )
    path = tmp_path_factory.getbasetemp() / "robustness.parquet"
    ours.write(path)
    again = Robustness.read(path)
    for name in ("ids", "corruptions", "suite", "seed"):
        assert getattr(again, name) == getattr(ours, name)
    for name in ("clean", "correct", "severities"):
        one, other = getattr(again, name), getattr(ours, name)
        assert one.dtype == other.dtype
        assert (one == other).all()


def test_figures_are_means_over_images(make_outcomes):
    ours = make_outcomes(
        [[1, 0, 1], [1, 1, 1], [0, 0, 1], [1, 1, 0]],
        clean=[1, 1, 0, 1],
        corruptions=("fog", "snow", "jpeg"),
        severities=np.array([[1, 2, 3], [2, 3, 1], [3, 3, 3], [2, 1, 1]], np.int8),
    )
    assert len(ours) == 4
    assert ours.accuracy.value == pytest.approx(8 / 12)
    assert ours.clean_accuracy.value == 0.75
    values = {name: figure.value for name, figure in ours.by_corruption.items()}
    assert values == {"fog": 0.75, "snow": 0.5, "jpeg": 0.75}
    # Of each image that met it; an image that met it twice counts once.
    by_severity = {severity: figure.value for severity, figure in ours.by_severity.items()}
    assert by_severity == {
        1: pytest.approx((1 + 1 + 0.5) / 3),
        2: pytest.approx(2 / 3),
        3: (1 + 1 + 1 / 3) / 3,
    }
    assert ours.at("fog", 2).value == 1
    assert ours.at("snow", 3).value == 0.5
    assert ours.at("jpeg", 5) is None


def test_outcomes_of_one_image_are_not_counted_as_independent(make_outcomes):
    """All or nothing for each image: as wide as if each had one outcome."""
    right = np.arange(200) < 150
    whole, single = (make_outcomes(np.repeat(right[:, None], n, axis=1)) for n in (15, 1))
    assert whole.accuracy == single.accuracy
    mixed = make_outcomes(np.random.default_rng(0).random((200, 15)) < 0.75)
    assert mixed.accuracy.high - mixed.accuracy.low < whole.accuracy.high - whole.accuracy.low


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"ids": ("a", "a")}, "2 ids, 1 of them different"),
        ({"ids": ("a",)}, "1 images, 2 corruptions and arrays"),
        ({"corruptions": ("fog", "fog")}, "corruptions"),
        ({"corruptions": ("fog", "none")}, "corruptions"),
        ({"clean": np.array([True])}, "arrays"),
        ({"correct": np.ones((2, 2))}, "outcomes are bool and float64, not bool"),
        ({"clean": np.ones(2)}, "outcomes are float64 and bool, not bool"),
        ({"severities": np.array([[1, 2], [0, 6]])}, "severities [0 6]"),
    ],
)
def test_other_outcomes_are_refused(make_outcomes, changes, told):
    right = make_outcomes([[1, 0], [1, 1]])
    values = {**vars(right), **changes}
    with pytest.raises(DataError, match="cannot be used") as error:
        Robustness(**values)
    assert told in str(error.value)


def test_no_image_gives_no_outcomes(make_outcomes):
    with pytest.raises(DataError, match="0 ids"):
        make_outcomes(np.ones((0, 3)))


def columns(**changes):
    """Two images as they were and under two corruptions."""
    values = {
        "id": [f"{row // 3:064x}" for row in range(6)],
        "corruption": ["none", "fog", "snow"] * 2,
        "severity": [0, 1, 2, 0, 2, 3],
        "correct": [True, False, True] * 2,
        "suite": [1] * 6,
        "seed": [0] * 6,
        **changes,
    }
    types = {
        "id": pa.string(),
        "corruption": pa.string(),
        "severity": pa.int8(),
        "correct": pa.bool_(),
        "suite": pa.int32(),
        "seed": pa.int64(),
    }
    return pa.table({name: pa.array(values[name], kind) for name, kind in types.items()})


def cast(name, kind):
    table = columns()
    place = table.column_names.index(name)
    return table.set_column(place, name, table[name].cast(kind))


FAULTS = {
    "no rows": (columns().slice(0, 0), "does not begin with an image as it was"),
    "no image as it was": (columns().slice(1), "does not begin with an image as it was"),
    "cut off": (columns().slice(0, 5), "no 3 rows for each image"),
    "a row too many": (
        pa.concat_tables([columns(), columns().slice(5)]),
        "no 3 rows for each image",
    ),
    "an image twice": (pa.concat_tables([columns(), columns()]), "4 ids, 2 of them different"),
    "images mixed up": (columns().take([0, 3, 1, 2, 4, 5]), "met different corruptions"),
    "other corruptions": (
        columns(corruption=["none", "fog", "snow", "none", "fog", "jpeg"]),
        "different corruptions",
    ),
    "a corruption twice": (columns(corruption=["none", "fog", "fog"] * 2), "corruptions"),
    "only images as they were": (columns().take([0, 3]), "corruptions ()"),
    "severity 6": (columns(severity=[0, 1, 6, 0, 2, 3]), "severities [6]"),
    "severity 0": (columns(severity=[0, 1, 0, 0, 2, 3]), "severities [0]"),
    "a severity of the image as it was": (
        columns(severity=[1, 1, 2, 0, 2, 3]),
        "an image as it was has a severity",
    ),
    "two suites": (columns(suite=[1, 1, 1, 1, 1, 2]), "mixes suites or seeds"),
    "two seeds": (columns(seed=[0, 0, 0, 0, 0, 1]), "mixes suites or seeds"),
    "ids that are none": (columns(id=["a"] * 3 + ["b"] * 3), "'a' is no hexadecimal sha256"),
    "no column": (columns().drop_columns(["seed"]), "no column 'seed'"),
    "a null": (columns(correct=[True, None, True] * 2), "'correct' lacks values"),
    "another type": (cast("severity", pa.int64()), "is int64, not int8"),
    "outcomes as numbers": (cast("correct", pa.int8()), "is int8, not bool"),
}


@pytest.mark.parametrize(("table", "reason"), FAULTS.values(), ids=FAULTS)
def test_refuses_a_file_of_something_else(tmp_path, table, reason):
    pq.write_table(table, tmp_path / "robustness.parquet")
    with pytest.raises(BundleCorruptError, match="holds no robustness") as error:
        Robustness.read(tmp_path / "robustness.parquet")
    assert reason in str(error.value)


def test_the_table_that_the_faults_are_made_of_has_none(tmp_path):
    pq.write_table(columns(), tmp_path / "robustness.parquet")
    assert Robustness.read(tmp_path / "robustness.parquet").corruptions == ("fog", "snow")


@pytest.mark.parametrize("content", [b"", b"PAR1", b"no table"])
def test_refuses_what_is_no_table(tmp_path, content):
    for path in (tmp_path / "missing", tmp_path):
        with pytest.raises(BundleCorruptError):
            Robustness.read(path)
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(BundleCorruptError):
        Robustness.read(tmp_path / "file")


def test_a_thousand_images_fit_a_small_file(make_outcomes, tmp_path):
    rng = np.random.default_rng(0)
    ids = tuple(rng.bytes(32).hex() for _ in range(1000))
    make_outcomes(rng.random((1000, 15)) < 0.6, ids=ids).write(tmp_path / "file")
    assert (tmp_path / "file").stat().st_size < 100_000
    read = pq.read_table(tmp_path / "file")["corruption"].to_pylist()
    assert set(Counter(read).values()) == {1000}
