import hashlib
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlopsproj_core.errors import ConfigError
from mlopsproj_data.records import Record
from mlopsproj_data.splits import (
    SPLITS,
    TEST_FRACTION,
    Chooser,
    check_fraction,
    choose_split,
    position,
)

KEYS = [hashlib.sha256(str(number).encode()).hexdigest() for number in range(20_000)]
fractions = st.floats(0.01, 0.9)


@given(st.text())
def test_a_position_is_a_function_of_the_key(key):
    digest = hashlib.sha256(b"mlopsproj split 1:" + key.encode()).hexdigest()
    assert position(key) == int(digest[:16], 16) / 2**64
    assert 0 <= position(key) <= 1


def test_positions_are_what_they_were_in_the_first_release():
    found = dict.fromkeys(SPLITS, "")
    for letter in "abcdefghijklmnopqrstuvwxyz":
        found[choose_split(letter, None, 0.1)] += letter
    assert found == {"train": "bcghijlmnopqrtuwy", "validation": "az", "test": "defksvx"}


@given(key=st.text(), given_=st.sampled_from(["validation", "test"]), fraction=fractions)
def test_given_validation_and_test_are_kept(key, given_, fraction):
    assert choose_split(key, given_, fraction) == given_


@given(key=st.text(), fraction=fractions)
def test_a_given_training_image_is_never_tested_on(key, fraction):
    assert choose_split(key, "train", fraction) in {"train", "validation"}


@pytest.mark.parametrize("fraction", [0.05, 0.1, 0.5, 0.9])
def test_fractions_are_about_right(fraction):
    counts = Counter(choose_split(key, None, fraction) for key in KEYS)
    assert set(counts) == set(SPLITS)
    assert counts["test"] / len(KEYS) == pytest.approx(TEST_FRACTION, abs=0.01)
    rest = len(KEYS) - counts["test"]
    assert counts["validation"] / rest == pytest.approx(fraction, abs=0.015)
    counts = Counter(choose_split(key, "train", fraction) for key in KEYS)
    assert counts["validation"] / len(KEYS) == pytest.approx(fraction, abs=0.015)


@given(low=fractions, high=fractions)
def test_a_larger_fraction_moves_images_to_validation_only(low, high):
    low, high = sorted((low, high))
    for key in KEYS[:200]:
        before, after = choose_split(key, None, low), choose_split(key, None, high)
        assert before == after or (before, after) == ("train", "validation")


@pytest.mark.parametrize("fraction", [1e-6, 0.1, 0.9])
def test_takes_a_fraction(fraction):
    check_fraction(fraction)


@pytest.mark.parametrize("fraction", [0.0, -0.1, 0.91, 1.0, float("nan"), float("inf")])
def test_refuses_a_fraction_that_leaves_nothing(fraction):
    with pytest.raises(ConfigError, match=rf"data\.validation_fraction={fraction}: give more"):
        check_fraction(fraction)


def test_training_files_are_not_divided_where_validation_files_are_given(make_source, tmp_path):
    def chooser(*splits):
        records = [Record(tmp_path, 0, split, None, "") for split in splits]
        source = replace(make_source([]), count=len(records), records=lambda: iter(records))
        return Chooser.of(source, 0.3, {})

    assert chooser("train", "test", "validation").validation_fraction == 0
    assert chooser("train", "test").validation_fraction == 0.3
    assert chooser().validation_fraction == 0.3
    rows = [{"id": key, "group": None, "given": "train", "problem": None} for key in KEYS[:50]]
    rows.append({"id": None, "group": None, "given": None, "problem": "The file is gone."})
    found = chooser("train", "test", "validation").choose_all(rows)
    assert [row["split"] for row in found] == ["train"] * 50 + [None]


def test_a_recorded_choice_counts_more_than_the_hash():
    for key in KEYS[:50]:
        taken = {("test", key): True}
        left = {("test", key): False, ("validation 0.1", key): True}
        assert choose_split(key, None, 0.1, taken) == "test"
        assert choose_split(key, None, 0.1, left) == "validation"
        assert choose_split(key, "train", 0.1, taken) in {"train", "validation"}
