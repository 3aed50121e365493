import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlopsproj_evaluation import resampling
from mlopsproj_evaluation.resampling import bias_corrected, resamples


@given(st.integers(1, 40), st.integers(0, 30), st.integers(0, 5))
def test_each_resample_has_as_many_images_as_there_are(images, count, seed):
    parts = list(resamples(images, count, seed=seed))
    drawn = np.concatenate(parts) if parts else np.empty((0, images))
    assert drawn.shape == (count, images)
    assert (drawn.sum(axis=1) == images).all()


def test_how_many_are_drawn_at_once_changes_nothing(monkeypatch):
    whole = np.concatenate(list(resamples(60, 50, seed=3)))
    monkeypatch.setattr(resampling, "_MOST_DRAWN", 7 * 60)
    parts = list(resamples(60, 50, seed=3))
    assert len(parts) == 8
    assert (np.concatenate(parts) == whole).all()


def test_many_images_take_little_memory():
    tracemalloc.start()
    try:
        for _ in resamples(100_000, 30, seed=0):
            pass
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 60e6


def test_every_image_is_drawn_as_often_as_another():
    drawn = np.concatenate(list(resamples(20, 5000, seed=0)))
    assert drawn.mean(axis=0) == pytest.approx(np.ones(20), abs=0.07)
    assert drawn.var(axis=0) == pytest.approx(np.full(20, 19 / 20), abs=0.1)


@pytest.mark.parametrize("tail", [0.025, 0.05])
def test_without_bias_the_bounds_are_the_quantiles(tail):
    drawn = np.random.default_rng(0).permutation(np.linspace(-1, 1, 2001))
    found = bias_corrected(0.0, drawn, tail=tail)
    assert found == pytest.approx((2 * tail - 1, 1 - 2 * tail), abs=0.003)


def test_bias_moves_both_bounds_away_from_the_resamples():
    drawn = np.random.default_rng(0).normal(0.3, 1, 20_000)
    assert bias_corrected(0.0, drawn, tail=0.05) == pytest.approx((-1.945, 1.345), abs=0.1)


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=50), st.floats(-1e3, 1e3))
def test_the_value_lies_within(drawn, value):
    low, high = bias_corrected(value, np.array(drawn), tail=0.05)
    assert low <= value <= high


@pytest.mark.parametrize(("value", "drawn"), [(np.nan, [1.0]), (1.0, []), (1.0, [np.nan, np.nan])])
def test_what_does_not_exist_has_no_interval(value, drawn):
    assert bias_corrected(value, np.array(drawn), tail=0.05) is None


def test_resamples_without_the_figure_are_left_out():
    drawn = np.array([np.nan, 1.0, 2.0, 3.0])
    assert bias_corrected(2.0, drawn, tail=0.05) == bias_corrected(2.0, drawn[1:], tail=0.05)
