import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlopsproj_monitoring.features.bins import MOST_BINS, RARE, Bins, UsualValues, rounded


def shares(bins, values):
    return np.bincount(bins.numbers(values), minlength=bins.count) / len(values)


@given(st.integers(0, 1000), st.integers(50, 5000))
def test_each_bin_holds_about_as_many(seed, images):
    values = np.random.default_rng(seed).gamma(2, size=images)
    bins = Bins.fit(values)
    found = shares(bins, values)
    assert bins.count == min(MOST_BINS, max(2, images // RARE))
    shared = np.unique(rounded(values), return_counts=True)[1].max()  # none is divided
    assert np.abs(found - 1 / bins.count).max() <= (1 + shared) / images


@given(st.lists(st.integers(0, 60), min_size=50, max_size=400))
def test_a_value_that_many_share_is_never_divided(values):
    values = np.array(values, np.float64)
    bins = Bins.fit(values)
    if bins is None:
        assert np.unique(values, return_counts=True)[1].max() > len(values) - RARE
        return
    numbers = bins.numbers(values)
    for value in np.unique(values):
        assert len(set(numbers[values == value].tolist())) == 1
    assert (np.diff(bins.edges) > 0).all()


def test_few_values_have_a_bin_each():
    values = np.repeat([100.0, 200.0, 640.0], [500, 30, 20])
    bins = Bins.fit(values)
    assert shares(bins, values).tolist() == [500 / 550, 30 / 550, 20 / 550]
    assert bins.edges.tolist() == pytest.approx([150, 420], rel=1e-3)


def test_what_differs_by_rounding_is_the_same():
    rng = np.random.default_rng(0)
    sure = np.concatenate([1 - 6e-8 * rng.integers(0, 3, 400), rng.uniform(0.2, 0.9, 600)])
    bins = Bins.fit(sure)
    noise = sure + 6e-8 * rng.integers(-1, 2, 1000)
    assert (bins.numbers(noise) == bins.numbers(sure)).all()


@pytest.mark.parametrize("values", [np.ones(100), np.r_[np.ones(95), np.zeros(5)]])
def test_a_number_that_hardly_differs_has_no_bins(values):
    assert Bins.fit(values) is None


def test_missing_numbers_are_a_bin_where_they_are_usual():
    values = np.r_[np.random.default_rng(0).random(80), np.full(20, np.nan)]
    bins = Bins.fit(values)
    assert bins.has_missing
    assert shares(bins, values)[-1] == 0.2


def test_where_they_are_rare_they_are_none():
    values = np.r_[np.random.default_rng(0).random(98), np.nan, np.nan]
    bins = Bins.fit(values)
    assert not bins.has_missing
    assert bins.numbers(np.array([np.nan])).tolist() == [0]


def test_a_number_that_is_never_known_has_no_bins():
    assert Bins.fit(np.full(100, np.nan)) is None


def test_values_that_the_reference_hardly_shows_are_strange():
    usual = UsualValues.fit(np.repeat([100.0, 200.0, 300.0], [500, 30, 3]))
    asked = np.array([100.0, 100.001, 101.0, 200.0, 300.0, np.nan])
    assert usual.is_strange(asked).tolist() == [False, False, True, False, True, False]


def test_a_number_of_many_values_has_none_that_are_usual():
    assert UsualValues.fit(np.random.default_rng(0).random(100)) is None


def test_where_a_number_was_never_known_any_value_is_strange():
    usual = UsualValues.fit(np.full(100, np.nan))
    assert usual.is_strange(np.array([1.0, np.nan])).tolist() == [True, False]
