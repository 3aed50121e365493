"""Which images are written, in which split, and what the fingerprint says of them."""

import io
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlopsproj_core.image import ImageSpec, prepare_image
from mlopsproj_data.preparation import prepare_source
from mlopsproj_data.prepared import COLUMNS
from mlopsproj_data.records import content_id
from mlopsproj_data.splits import SPLITS
from PIL import Image


@pytest.fixture(scope="module")
def write(make_source):
    """Prepares records; gives the data set and its rows by origin."""

    def prepare(folder, records, **source):
        dataset = prepare_source(make_source(records, **source), folder, validation_fraction=0.2)
        rows = [row for split in SPLITS for row in dataset.table(split).to_pylist()]
        return dataset, {row["source"]: row for row in rows}

    return prepare


def test_a_row_says_what_an_image_is(tmp_path, write, make_records):
    records = make_records(60, groups=("anna", "berta", "carla", *map(str, range(57))))
    dataset, rows = write(tmp_path, records)
    assert dataset.table("test").schema.remove_metadata() == COLUMNS
    assert len(rows) == 60
    for record in records:
        row = rows[record.origin]
        assert (row["id"], row["label"]) == (content_id(record.image), record.label)
        assert row["group"] == record.group
        statistics = prepare_image(record.image, dataset.spec).statistics.as_dict()
        assert row["mode"] == statistics.pop("mode") == "L"
        assert {name: row[name] for name in statistics} == pytest.approx(statistics, rel=1e-6)


def test_encoded_files_are_decoded_once_and_keep_their_size(tmp_path, write, make_records):
    records = make_records(60)
    for i in range(0, 60, 2):
        buffer = io.BytesIO()
        pixels = np.random.default_rng(i).integers(0, 256, (20, 30, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(buffer, "JPEG")
        records[i] = replace(records[i], image=buffer.getvalue())
    dataset, rows = write(tmp_path, records, spec=ImageSpec(12, 10, 3))
    by_id = {content_id(record.image): record for record in records}
    for split in SPLITS:
        labelled = dataset.labelled(split)
        for name, pixels in zip(labelled.ids, labelled.images, strict=True):
            expected = prepare_image(by_id[name].image, dataset.spec).pixels
            assert np.array_equal(pixels, expected)
    row = rows[records[0].origin]
    assert (row["width"], row["height"], row["mode"]) == (30, 20, "RGB")


@settings(max_examples=8)
@given(
    keep=st.lists(st.booleans(), min_size=200, max_size=200).filter(lambda k: sum(k) > 80),
    order=st.randoms(use_true_random=False),
    options=st.fixed_dictionaries(
        {
            "splits": st.sampled_from([(None,), ("train", "train", "test")]),
            "groups": st.sampled_from([(None,), tuple(map(str, range(70)))]),
        }
    ),
)
def test_images_that_arrive_later_move_none(write, make_records, keep, order, options):
    records = make_records(200, **options)
    early = [record for record, kept in zip(records, keep, strict=True) if kept]
    late = order.sample(records, len(records))
    with TemporaryDirectory() as folder:
        _, before = write(Path(folder), early)
        _, after = write(Path(folder), late)
    assert len(after) == 200
    assert {origin: after[origin]["split"] for origin in before} == {
        origin: row["split"] for origin, row in before.items()
    }


def test_groups_are_never_divided(tmp_path, write, make_records):
    groups = tuple(f"person {number}" for number in range(40))
    _, rows = write(tmp_path, make_records(400, groups=groups))
    splits = defaultdict(set)
    for row in rows.values():
        splits[row["group"]].add(row["split"])
    assert len(splits) == 40
    assert {len(found) for found in splits.values()} == {1}
    assert {split for found in splits.values() for split in found} == set(SPLITS)


def test_given_splits_are_kept(tmp_path, write, make_records):
    records = make_records(300, splits=("train", "validation", "test"))
    dataset, rows = write(tmp_path, records)
    for record in records:
        assert rows[record.origin]["split"] == record.split
    # Where their pixels were put first does not show.
    images = {record.origin: record.image for record in records}
    for split in SPLITS:
        origins = dataset.table(split)["source"].to_pylist()
        for origin, pixels in zip(origins, dataset.labelled(split).images, strict=True):
            assert np.array_equal(pixels[..., 0], images[origin])


def test_an_image_that_stands_in_train_and_test_is_only_tested_on(tmp_path, write, make_records):
    records = make_records(150, splits=("train", "train", "test"))
    copies = [replace(records[i], split="train", origin=f"copy of {i}") for i in (2, 5, 8)]
    for place in (0, len(records)):  # before the originals, and after them
        mixed = [*records[:place], *copies, *records[place:]]
        dataset, rows = write(tmp_path, mixed)
        assert dataset.dropped == {"duplicate": 0, "duplicate of a test image": 3}
        assert not [origin for origin in rows if origin.startswith("copy")]
        assert dataset.counts["test"] == 50
        assert not set(dataset.labelled("test").ids) & set(dataset.labelled("train").ids)


def test_a_group_of_the_test_takes_a_copy_out_of_training(tmp_path, write, make_records):
    """The same picture under two people: whoever is tested keeps it."""
    groups = tuple(f"person {number}" for number in range(40))
    records = make_records(200, groups=groups)
    _, rows = write(tmp_path, records)
    group_in = {row["split"]: row["group"] for row in rows.values()}
    tested = next(r for r in records if rows[r.origin]["split"] == "test")
    copy = replace(tested, group=group_in["train"], origin="copy")
    dataset, rows = write(tmp_path, [copy, *records])
    assert dataset.dropped["duplicate of a test image"] == 1
    assert rows[tested.origin]["split"] == "test"
    assert "copy" not in rows


def test_duplicates_are_kept_once_where_they_stand_first(tmp_path, write, make_records):
    records = make_records(100)
    copies = [replace(record, origin=f"copy of {record.origin}") for record in records[:7]]
    dataset, rows = write(tmp_path, [*records, *copies, *copies])
    assert set(rows) == {record.origin for record in records}
    assert sum(dataset.dropped.values()) == 14
    assert sum(dataset.counts.values()) == 100


def test_the_fingerprint_names_images_labels_splits_groups_and_spec(tmp_path, write, make_records):
    records = make_records(60)

    def fingerprint(records, **source):
        return write(tmp_path, records, **source)[0].fingerprint

    own = fingerprint(records)
    moved = [replace(record, origin=f"/elsewhere/{i}") for i, record in enumerate(records)]
    assert write(tmp_path / "elsewhere", moved)[0].fingerprint == own
    assert fingerprint(records, name="other") == own

    def with_first(**change):
        return [replace(records[0], **change), *records[1:]]

    others = [
        fingerprint(with_first(image=records[0].image[::-1])),
        fingerprint(with_first(label=1)),
        fingerprint(with_first(group="anna")),
        fingerprint([replace(record, split="test") for record in records[:20]] + records[20:]),
        fingerprint(records[:-1]),
        fingerprint(records, spec=ImageSpec(9, 8, 1)),
        fingerprint(records, classes=("odd", "even")),
    ]
    assert len({own, *others}) == 1 + len(others)
