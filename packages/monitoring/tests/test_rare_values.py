from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlopsproj_monitoring.features.feature_map import FeatureMap
from mlopsproj_monitoring.halves import halves
from mlopsproj_monitoring.rare_values import rare_p_value
from scipy.stats import fisher_exact


@given(
    images=st.integers(1, 2000),
    rows=st.integers(50, 5000),
    share=st.floats(0, 1),
    before=st.integers(0, 9),
)
def test_is_fisher_s_exact_test(images, rows, share, before):
    seen = round(share * images)
    table = [[seen, images - seen], [before, rows - before]]
    expected = fisher_exact(table, alternative="greater").pvalue
    assert rare_p_value(seen, images, before, rows) == pytest.approx(expected, abs=1e-12, rel=1e-6)


def test_nothing_seen_says_nothing():
    assert rare_p_value(0, 100, 3, 5000) == 1


def test_one_exception_may_be_chance_and_a_window_full_of_them_is_not():
    assert rare_p_value(1, 1000, 0, 5000) > 0.1
    assert rare_p_value(1000, 1000, 0, 5000) < 1e-100
    # As many as there are may all have missed a reference so much smaller than the window.
    assert rare_p_value(500, 1_000_000, 0, 5000) > 0.05


def test_values_that_are_rare_by_chance_alone_raise_no_alarm(make_sample):
    """Twenty widths of half a percent each: which of them the reference hardly shows is chance."""
    rng = np.random.default_rng(0)
    shares = np.array([0.9, *[0.005] * 20])

    def drawn(seed, images):
        sample = make_sample(seed, images, dimensions=1, classes=2)
        widths = 20.0 + rng.choice(21, images, p=shares)
        return replace(sample, statistics={**sample.statistics, "width": widths})

    alarms = 0
    for seed in range(60):
        reference = drawn(2 * seed, 2000)
        second = reference.take(halves(reference.ids))
        features = FeatureMap.fit(reference)
        place = features.events.index("rare width")
        window = drawn(2 * seed + 1, 5000)
        seen, before = (int(features.rare(some)[:, place].sum()) for some in (window, second))
        alarms += rare_p_value(seen, 5000, before, len(second)) <= 0.05
    assert alarms <= 9  # of 60: more would come once in two thousand times; it was four in five
