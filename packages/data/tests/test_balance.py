"""Nothing ever moves, no group is divided, and rare classes stand in every split."""

import hashlib
from collections import defaultdict

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlopsproj_data.balance import divide
from mlopsproj_data.splits import SPLITS, choose_split

FRACTIONS = [0.05, 0.1, 0.5]


def image(name, label=0, given_=None, group=None):
    name = hashlib.sha256(str(name).encode()).hexdigest()
    return {"id": name, "label": label, "given": given_, "group": group}


SCHEMA = pa.schema(
    [("id", pa.string()), ("label", pa.int64()), ("given", pa.string()), ("group", pa.string())]
)


def splits_of(images, recorded=None, *, fraction=0.1, used=None):
    """Splits of all images; the choices are recorded as `prepare` does it."""
    recorded = {} if recorded is None else recorded
    table = pa.Table.from_pylist(images, schema=SCHEMA)
    used = np.ones(len(images), dtype=bool) if used is None else np.array(used)
    division = divide(table, used, fraction, recorded)
    assert not set(division.choices) & set(recorded)
    recorded.update(division.choices)
    again = divide(table, used, fraction, recorded)
    assert again.splits == division.splits
    assert again.choices == {}
    return division.splits.to_pylist()


names = st.integers(0, 10_000)
plain = st.lists(st.tuples(names, st.integers(0, 4)), max_size=40, unique_by=lambda each: each[0])
grouped = st.lists(
    st.tuples(names, st.integers(0, 3), st.sampled_from([None, *"abcdefghij"])),
    max_size=60,
    unique_by=lambda each: each[0],
)


@given(batches=st.lists(plain, min_size=1, max_size=4), fraction=st.sampled_from(FRACTIONS))
def test_every_class_gets_what_its_images_allow_and_adding_some_moves_none(batches, fraction):
    images, recorded, before = {}, {}, {}
    for batch in batches:
        for name, label in batch:
            images.setdefault(name, image(name, label))
        found = splits_of(list(images.values()), recorded, fraction=fraction)
        now = dict(zip(images, found, strict=True))
        assert {name: now[name] for name in before} == before
        before = now
        splits = defaultdict(list)
        for name, split in now.items():
            splits[images[name]["label"]].append(split)
        for own in splits.values():
            assert "train" in own
            assert len(own) < 2 or "test" in own
            assert len(own) < 3 or set(own) == set(SPLITS)


@given(batches=st.lists(grouped, min_size=1, max_size=4), fraction=st.sampled_from(FRACTIONS))
def test_a_group_is_never_divided_and_never_moves(batches, fraction):
    images, recorded, before = {}, {}, {}
    for batch in batches:
        for name, label, group in batch:
            images.setdefault(name, image(name, label, group=group))
        found = splits_of(list(images.values()), recorded, fraction=fraction)
        now = dict(zip(images, found, strict=True))
        assert {name: now[name] for name in before} == before
        before = now
        where = defaultdict(set)
        for name, split in now.items():
            if images[name]["group"]:
                where[images[name]["group"]].add(split)
        assert all(len(splits) == 1 for splits in where.values())


@given(count=st.integers(3, 12), seed=st.integers(0, 1000), fraction=st.sampled_from(FRACTIONS))
def test_few_groups_that_have_all_classes_stand_in_all_splits(count, seed, fraction):
    images = [
        image((seed, group, label), label, group=f"student {seed} {group}")
        for group in range(count)
        for label in range(5)
    ]
    assert set(splits_of(images, fraction=fraction)) == set(SPLITS)


@given(images=plain, fraction=st.sampled_from(FRACTIONS))
def test_no_more_images_are_moved_than_a_class_lacks(images, fraction):
    images = [image(name, label) for name, label in images]
    found = splits_of(images, fraction=fraction)
    moved = defaultdict(int)
    for each, split in zip(images, found, strict=True):
        moved[each["label"]] += split != choose_split(each["id"], None, fraction)
    assert all(count <= 3 for count in moved.values())


def test_where_the_hash_serves_nothing_is_moved_or_recorded():
    images = [image(number, number % 3) for number in range(3000)]
    recorded = {}
    assert splits_of(images, recorded) == [choose_split(each["id"], None, 0.1) for each in images]
    assert recorded == {}


def test_a_given_test_set_is_kept_and_only_training_images_are_divided():
    images = [image(number, number % 2, "train") for number in range(6)]
    images += [image(number, number % 2, "test") for number in range(6, 8)]
    found = splits_of(images)
    assert found[6:] == ["test", "test"]
    for label in (0, 1):
        assert set(found[label:6:2]) == {"train", "validation"}


def test_all_three_given_splits_are_kept():
    given_ = ["train"] * 50 + ["validation"] * 3 + ["test"] * 3
    images = [image(number, number % 2, split) for number, split in enumerate(given_)]
    recorded = {}
    assert splits_of(images, recorded, fraction=0.9) == given_
    assert recorded == {}


def test_a_given_validation_set_is_kept_and_a_test_set_is_chosen():
    images = [image(number, 0, "validation" if number < 4 else None) for number in range(40)]
    found = splits_of(images, fraction=0.9)
    assert found[:4] == ["validation"] * 4
    assert set(found[4:]) == {"train", "test"}


def test_images_of_a_group_follow_those_whose_split_is_given():
    images = [image(0, 0, "test", "anna"), image(1, 0, None, "anna"), image(2, 0, "train", "berta")]
    images += [image(3, 1, None, "berta"), *(image(number, number % 2) for number in range(4, 60))]
    found = splits_of(images)
    assert found[1] == "test"
    assert found[2] == found[3] != "test"


def test_a_recorded_test_image_is_not_tested_on_where_a_test_set_is_given():
    images = [image(number, 0) for number in range(3)]
    recorded = {}
    (tested,) = [
        each for each, s in zip(images, splits_of(images, recorded), strict=True) if s == "test"
    ]
    later = [{**each, "given": "train"} for each in images] + [image(9, 0, "test")]
    found = splits_of(later, recorded)
    assert found[images.index(tested)] != "test"


def test_another_fraction_moves_nothing_to_the_test_or_out_of_it():
    images = [image(number, number % 3) for number in range(9)]
    recorded = {}
    first = splits_of(images, recorded, fraction=0.1)
    second = splits_of(images, recorded, fraction=0.6)
    assert [split == "test" for split in first] == [split == "test" for split in second]
    assert splits_of(images, recorded, fraction=0.1) == first


def test_images_that_are_not_used_have_no_split_and_count_for_nothing():
    images = [image(number, 0) for number in range(5)]
    found = splits_of(images, used=[True, False, True, False, True])
    assert found[1] is found[3] is None
    assert {found[0], found[2], found[4]} == set(SPLITS)


@pytest.mark.parametrize("count", [0, 1])
def test_nothing_and_one_image_are_divided(count):
    assert splits_of([image(number) for number in range(count)]) == ["train"] * count
