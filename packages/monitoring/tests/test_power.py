import math

import numpy as np
import pytest
from mlopsproj_monitoring.power import samples_needed
from scipy.stats import norm


def test_a_mean_needs_what_the_textbook_says():
    alpha, effect = 0.01, 0.2
    threshold = norm.ppf(1 - alpha)
    found = samples_needed(effect, threshold, 1.0, 10**9)
    assert found == math.ceil(((threshold + norm.ppf(0.8)) / effect) ** 2)


def test_so_many_suffice_four_times_in_five():
    rng = np.random.default_rng(0)
    rows, threshold, effect = 2000, norm.ppf(0.99), 0.3
    images = samples_needed(effect, threshold, 1.0, rows)
    scale = np.sqrt(1 / images + 1 / rows)
    found = effect + scale * rng.standard_normal(20_000)
    assert (found > threshold * scale).mean() == pytest.approx(0.8, abs=0.01)


@pytest.mark.parametrize("effect", [0.0, 1e-6, 0.05])
def test_where_the_reference_is_too_small_no_window_suffices(effect):
    assert samples_needed(effect, 2.3, 1.0, 1000) is None
