import hashlib
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlopsproj_core.errors import ConfigError
from mlopsproj_data.splits import SPLITS, TEST_FRACTION, check_fraction, choose_split, position

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
