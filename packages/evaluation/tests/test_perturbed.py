import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlopsproj_core.errors import BundleCorruptError, DataError
from mlopsproj_evaluation import Perturbed

COLUMNS = {
    "id": pa.string(),
    "corruption": pa.string(),
    "family": pa.string(),
    "severity": pa.int8(),
    "label": pa.int64(),
    "probabilities": pa.list_(pa.float32(), 3),
    "ood_score": pa.float32(),
}
FAMILIES = {"none": "none", "fog": "weather", "snow": "weather", "jpeg": "digital"}


def make(images=4, classes=3, seed=0, **changes):
    """Each image as it was and under three corruptions."""
    rng = np.random.default_rng(seed)
    names = tuple(FAMILIES) * images
    rows = len(names)
    values = {
        "ids": tuple(f"{row // len(FAMILIES):064x}" for row in range(rows)),
        "corruptions": names,
        "families": tuple(FAMILIES[name] for name in names),
        "severities": np.array([0, *rng.integers(1, 6, 3)] * images, np.int8),
        "labels": rng.integers(0, classes, rows),
        "probabilities": rng.dirichlet(np.ones(classes), rows).astype(np.float32),
        "ood_score": rng.gamma(2, 1, rows).astype(np.float32),
    }
    return Perturbed(**{**values, **changes})


@settings(max_examples=30)
@given(
    images=st.integers(1, 30),
    classes=st.integers(2, 8),
    seed=st.integers(0, 2**32 - 1),
    score=st.floats(width=32),
)
def test_what_is_written_is_read_again(tmp_path_factory, images, classes, seed, score):
    """Also a score that is no number: that the graph gives one is no reason to refuse a bundle."""
    ours = make(images, classes, seed, ood_score=np.full(4 * images, score, np.float32))
    path = tmp_path_factory.getbasetemp() / "perturbed.parquet"
    ours.write(path)
    again = Perturbed.read(path)
    for name in ("ids", "corruptions", "families"):
        assert getattr(again, name) == getattr(ours, name)
    for name in ("severities", "labels", "probabilities", "ood_score"):
        one, other = getattr(again, name), getattr(ours, name)
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)


def test_the_file_has_the_columns_of_the_contract(tmp_path):
    make().write(tmp_path / "perturbed.parquet")
    schema = pq.read_schema(tmp_path / "perturbed.parquet")
    assert dict(zip(schema.names, schema.types, strict=True)) == COLUMNS


def test_right_is_who_names_the_label():
    probabilities = np.array([[0.2, 0.5, 0.3], [0.6, 0.2, 0.2]] * 2, np.float32)
    ours = make(1, probabilities=probabilities, labels=np.array([1, 1, 0, 0]))
    assert ours.correct.tolist() == [True, False, False, True]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"ids": ()}, "there is none"),
        ({"probabilities": np.ones((4, 1), np.float32)}, "not those of two classes"),
        ({"labels": np.zeros(3, np.int64)}, "different lengths"),
        ({"families": ("none", "weather", "weather")}, "different lengths"),
        ({"labels": np.array([0, 1, 2, 3])}, "label 3 is none of the 3 classes"),
        ({"probabilities": np.full((4, 3), np.nan, np.float32)}, "nan is no probability"),
        ({"severities": np.array([0, 1, 6, 1], np.int8)}, "a severity does not go"),
        ({"severities": np.array([1, 1, 1, 1], np.int8)}, "a severity does not go"),
        ({"corruptions": ("none", "fog", "fog", "jpeg")}, "an image stands twice"),
        (
            {"ids": ("a", "b", "c", "d"), "corruptions": ("none", "fog", "fog", "fog")},
            "a corruption is of several families",
        ),
        ({"families": ("none", "none", "weather", "digital")}, "the family 'none'"),
    ],
)
def test_answers_that_cannot_be_are_refused(changes, told):
    with pytest.raises(DataError, match=told):
        make(1, **changes)


@pytest.mark.parametrize("column", COLUMNS)
def test_a_file_that_lacks_a_column_or_a_value_is_refused(tmp_path, column):
    path = tmp_path / "perturbed.parquet"
    make().write(path)
    whole = pq.read_table(path)
    pq.write_table(whole.drop_columns([column]), path)
    with pytest.raises(BundleCorruptError, match=f"no column '{column}'"):
        Perturbed.read(path)
    kind = whole.schema.field(column).type
    gap = pa.concat_arrays([whole[column].combine_chunks().slice(1), pa.nulls(1, kind)])
    place = whole.column_names.index(column)
    pq.write_table(whole.set_column(place, column, gap), path)
    # Before 25, pyarrow itself reads no list that is missing among lists of one length.
    told = f"'{column}' lacks values|Expected all lists to be of size"
    with pytest.raises(BundleCorruptError, match=told):
        Perturbed.read(path)


@pytest.mark.parametrize(
    ("column", "value", "told"),
    [
        ("label", 7, "label 7 is none"),
        ("severity", 9, "a severity does not go"),
        ("id", "x", "'x' is no hexadecimal sha256"),
    ],
)
def test_a_file_with_a_strange_value_is_refused(tmp_path, column, value, told):
    path = tmp_path / "perturbed.parquet"
    make().write(path)
    table = pq.read_table(path)
    place = table.column_names.index(column)
    kind = table.schema.field(column).type
    values = [*table[column].to_pylist()[:-1], value]
    pq.write_table(table.set_column(place, column, pa.array(values, kind)), path)
    with pytest.raises(BundleCorruptError, match=told):
        Perturbed.read(path)


def test_a_file_that_is_none_is_refused(tmp_path):
    with pytest.raises(BundleCorruptError, match="answers to spoilt images"):
        Perturbed.read(tmp_path / "perturbed.parquet")
    (tmp_path / "perturbed.parquet").write_bytes(b"PAR1 and then nothing")
    with pytest.raises(BundleCorruptError, match="answers to spoilt images"):
        Perturbed.read(tmp_path / "perturbed.parquet")


def test_some_rows_are_those_asked_for():
    ours = make()
    weather = np.array(ours.families) == "weather"
    some = ours.take(weather)
    assert set(some.corruptions) == {"fog", "snow"}
    assert len(some) == weather.sum()
    assert (some.labels == ours.labels[weather]).all()
    assert (some.probabilities == ours.probabilities[weather]).all()
    assert (some.ood_score == ours.ood_score[weather]).all()
    assert (some.severities == ours.severities[weather]).all()
