import json
import os

import numpy as np
import pyarrow.parquet as pq
import pytest
from mlopsproj_core.errors import DataError
from mlopsproj_data import PreparedDataset
from mlopsproj_data.preparation import prepare_source


@pytest.fixture
def dataset(tmp_path, make_source, make_records):
    source = make_source(make_records(200, splits=("train", "train", "test")))
    return prepare_source(source, tmp_path, validation_fraction=0.2)


def change_description(dataset, **values):
    path = dataset.folder / "dataset.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def test_opens_what_was_written(dataset):
    assert PreparedDataset.open(str(dataset.folder)) == dataset
    assert (dataset.name, dataset.classes) == ("made", ("even", "odd"))
    assert dataset.summary().model_dump() == {
        "name": "made",
        "fingerprint": dataset.fingerprint,
        "counts": dict(dataset.counts),
    }


def test_images_are_a_read_only_map_of_the_file(dataset):
    images = dataset.labelled("train").images
    assert isinstance(images, np.memmap)
    assert images.shape == (dataset.counts["train"], 8, 8, 1)
    with pytest.raises(ValueError, match="read-only"):
        images[0] = 0


def test_training_ids_are_sorted_prefixes_of_all_that_is_not_tested_on(dataset):
    names = [*dataset.labelled("train").ids, *dataset.labelled("validation").ids]
    expected = sorted(int.from_bytes(bytes.fromhex(name)[:8], "big") for name in names)
    found = dataset.training_ids()
    assert found.dtype == np.uint64
    assert found.tolist() == expected


def test_an_unknown_split_is_refused(dataset):
    with pytest.raises(DataError, match="split=holdout: give train, validation, test"):
        dataset.labelled("holdout")


def test_an_empty_split_is_refused(dataset):
    (dataset.folder / "test.u8").write_bytes(b"")
    table = pq.read_table(dataset.folder / "images.parquet", filters=[("split", "!=", "test")])
    pq.write_table(table, dataset.folder / "images.parquet")
    change_description(dataset, counts={**dataset.counts, "test": 0})
    with pytest.raises(DataError, match="The test split of made holds no image"):
        PreparedDataset.open(dataset.folder).labelled("test")


@pytest.mark.parametrize("split", ["train", "validation", "test"])
@pytest.mark.parametrize("harm", ["truncate", "lengthen", "remove"])
def test_a_damaged_pixel_file_is_refused(dataset, split, harm):
    path = dataset.folder / f"{split}.u8"
    size = path.stat().st_size
    if harm == "remove":
        path.unlink()
    else:
        os.truncate(path, size - 1 if harm == "truncate" else size + 1)
    with pytest.raises(DataError, match=rf"{split}\.u8 has .* bytes instead of {size:,}: remove"):
        PreparedDataset.open(dataset.folder)


def test_a_table_of_another_length_is_refused(dataset):
    path = dataset.folder / "images.parquet"
    pq.write_table(pq.read_table(path).slice(1), path)
    with pytest.raises(DataError, match=r"images\.parquet has 199 rows instead of 200: remove"):
        PreparedDataset.open(dataset.folder)


@pytest.mark.parametrize("content", [None, b"", b"PAR1 rubbish"])
def test_a_damaged_table_is_refused(dataset, content):
    path = dataset.folder / "images.parquet"
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=r"holds no prepared data set .*prepare it again"):
        PreparedDataset.open(dataset.folder)


@pytest.mark.parametrize("schema", [0, 3, 99, "1", None])
def test_another_schema_is_refused(dataset, schema):
    change_description(dataset, schema=schema)
    with pytest.raises(
        DataError, match=rf"with schema {schema!r}; this release reads 1 and 2: remove"
    ):
        PreparedDataset.open(dataset.folder)


def test_schema_1_is_read_with_nulls_for_what_it_lacks(dataset):
    path = dataset.folder / "images.parquet"
    later = ["bytes", "format", "perceptual_hash"]
    pq.write_table(pq.read_table(path).drop_columns(later), path)
    (dataset.folder / "validation.json").unlink()
    change_description(dataset, schema=1)
    old = PreparedDataset.open(dataset.folder)
    table = old.table("train")
    assert table.schema.equals(dataset.table("train").schema)
    assert all(table[name].null_count == len(table) for name in later)
    assert table["id"].to_pylist() == list(old.labelled("train").ids)
    assert old.report is None
    assert old.dropped_file is None


def test_the_report_of_validation_is_kept(dataset):
    assert dataset.report["valid"]
    assert dataset.report["name"] == "made"
    (dataset.folder / "validation.json").write_text("{")
    with pytest.raises(DataError, match=r"validation\.json cannot be read .*prepare it again"):
        _ = dataset.report


@pytest.mark.parametrize(
    "values",
    [
        {"counts": {}},
        {"counts": None},
        {"image": {"height": 2, "width": 8, "channels": 1}},
        {"image": {"height": 8}},
        {"classes": None},
    ],
)
def test_a_description_that_makes_no_sense_is_refused(dataset, values):
    change_description(dataset, **values)
    with pytest.raises(DataError, match=r"holds no prepared data set .*prepare it again") as caught:
        PreparedDataset.open(dataset.folder)
    assert str(dataset.folder) in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"3", b"\xff\xfe"])
def test_a_description_that_cannot_be_read_is_refused(dataset, content):
    (dataset.folder / "dataset.json").write_bytes(content)
    with pytest.raises(DataError, match="holds no prepared data set"):
        PreparedDataset.open(dataset.folder)


def test_a_folder_that_is_none_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"holds no prepared data set .*give the folder of one"):
        PreparedDataset.open(tmp_path / "gone")
