import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlopsproj_core import Outputs
from mlopsproj_core.errors import BundleCorruptError, DataError
from mlopsproj_core.image import ImageStatistics
from mlopsproj_evaluation import Scores, read_reference, write_reference
from mlopsproj_evaluation.reference import COLUMNS, MAX_ROWS, STATISTICS
from mlopsproj_evaluation.tables import matrix


def make_parts(labels, classes=3):
    """Statistics, scores and outputs in which every row tells its number."""
    images = len(labels)
    number = np.arange(images)
    probabilities = np.random.default_rng(0).dirichlet(np.ones(classes), images).astype(np.float32)
    scores = Scores(tuple(f"{n:064x}" for n in number), np.asarray(labels), probabilities)
    embedding = np.stack([number % 100, number % 7], axis=1).astype(np.float32)
    outputs = Outputs(probabilities, embedding, number.astype(np.float32))
    statistics = pa.table(
        {
            "id": pa.array(scores.ids),
            "width": pa.array(number + 1, pa.int64()),
            "height": pa.array(number + 2, pa.int64()),
            "mode": pa.array(["L"] * images),
            **{
                name: pa.array(number / 1e4, pa.float64())
                for name in ("brightness", "contrast", "sharpness", "saturation")
            },
        }
    )
    return statistics, scores, outputs


def test_statistics_are_those_of_the_image():
    assert list(STATISTICS) == list(ImageStatistics.__dataclass_fields__)


def test_what_is_written_is_read_again_with_the_types_of_the_contract(tmp_path):
    statistics, scores, outputs = make_parts(np.arange(50) % 3)
    write_reference(tmp_path / "reference.parquet", statistics, scores, outputs)
    table = read_reference(tmp_path / "reference.parquet")
    assert table.column_names == list(COLUMNS)
    assert table["id"].to_pylist() == list(scores.ids)
    assert (table["label"].to_numpy() == scores.labels).all()
    assert (matrix(table["probabilities"]) == scores.probabilities).all()
    assert table["embedding"].type == pa.list_(pa.float16(), 2)
    assert (matrix(table["embedding"]) == outputs.embedding).all()
    assert (table["ood_score"].to_numpy() == outputs.ood_score).all()
    assert (table["width"].to_numpy() == np.arange(50) + 1).all()
    assert table["mode"].to_pylist() == ["L"] * 50
    for name, kind in STATISTICS.items():
        assert table[name].type == kind


@settings(max_examples=15)
@given(
    images=st.integers(MAX_ROWS - 2, 4 * MAX_ROWS),
    shares=st.lists(st.integers(1, 50), min_size=2, max_size=6),
    seed=st.integers(0, 10**6),
)
def test_many_images_are_drawn_with_each_class_within_a_row_of_its_share(
    tmp_path_factory, images, shares, seed
):
    labels = np.random.default_rng(seed).choice(
        len(shares), images, p=np.array(shares) / sum(shares)
    )
    statistics, scores, outputs = make_parts(labels, classes=len(shares))
    path = tmp_path_factory.getbasetemp() / "drawn.parquet"
    write_reference(path, statistics, scores, outputs, seed=seed)
    table = read_reference(path)
    rows = min(images, MAX_ROWS)
    assert len(table) == rows
    number = table["width"].to_numpy() - 1
    assert (np.diff(number) > 0).all()  # in their order, none twice
    assert (table["label"].to_numpy() == labels[number]).all()
    assert (matrix(table["probabilities"]) == scores.probabilities[number]).all()
    assert (table["ood_score"].to_numpy() == number).all()
    found = np.bincount(table["label"].to_numpy(), minlength=len(shares))
    wanted = np.bincount(labels, minlength=len(shares)) * rows / images
    assert (np.abs(found - wanted) < 1 + 1e-9).all()


def test_a_seed_draws_the_same_rows_and_another_one_others(tmp_path):
    parts = make_parts(np.arange(2 * MAX_ROWS) % 3)
    drawn = []
    for place, seed in enumerate((1, 1, 2)):
        write_reference(tmp_path / f"{place}.parquet", *parts, seed=seed)
        drawn.append(read_reference(tmp_path / f"{place}.parquet")["id"].to_pylist())
    assert drawn[0] == drawn[1]
    assert drawn[0] != drawn[2]


def test_rows_of_other_images_are_refused(tmp_path):
    statistics, scores, outputs = make_parts(np.arange(10) % 3)
    with pytest.raises(DataError, match="9 rows of statistics"):
        write_reference(tmp_path / "r.parquet", statistics.slice(1), scores, outputs)
    assert not (tmp_path / "r.parquet").exists()


@pytest.mark.parametrize("column", COLUMNS)
def test_a_reference_that_lacks_a_column_or_a_value_is_refused(tmp_path, column):
    path = tmp_path / "reference.parquet"
    write_reference(path, *make_parts(np.arange(10) % 3))
    whole = pq.read_table(path)
    pq.write_table(whole.drop_columns([column]), path)
    with pytest.raises(BundleCorruptError, match=f"no column '{column}'"):
        read_reference(path)
    kind = whole.schema.field(column).type
    gap = pa.concat_arrays([whole[column].combine_chunks().slice(1), pa.nulls(1, kind)])
    place = whole.column_names.index(column)
    pq.write_table(whole.set_column(place, column, gap), path)
    # Before 25, pyarrow itself reads no list that is missing among lists of one length.
    told = f"'{column}' lacks values|Expected all lists to be of size"
    with pytest.raises(BundleCorruptError, match=told):
        read_reference(path)


def test_a_reference_that_is_missing_is_refused(tmp_path):
    with pytest.raises(BundleCorruptError, match="holds no reference"):
        read_reference(tmp_path / "reference.parquet")
