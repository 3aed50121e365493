import math

import numpy as np
import pytest
from mlopsproj_monitoring.power import Added, ByHalves, InQuadrature, level_seen, samples_needed
from scipy.stats import norm


def test_a_mean_needs_what_the_textbook_says():
    alpha, effect = 0.01, 0.2
    threshold = norm.ppf(1 - alpha)
    found = samples_needed(effect, level_seen(threshold, 1.0), 10**9)
    assert found == math.ceil(((threshold + norm.ppf(0.8)) / effect) ** 2)


def test_so_many_suffice_four_times_in_five():
    rng = np.random.default_rng(0)
    rows, threshold, effect = 2000, norm.ppf(0.99), 0.3
    images = samples_needed(effect, level_seen(threshold, 1.0), rows)
    scale = np.sqrt(1 / images + 1 / rows)
    found = effect + scale * rng.standard_normal(20_000)
    assert (found > threshold * scale).mean() == pytest.approx(0.8, abs=0.01)


def kernel_like(rng, signal, directions):
    """A length in many directions."""
    noise = rng.standard_normal((20_000, directions))
    noise[:, 0] += signal
    return np.linalg.norm(noise, axis=1)


def classifier_like(rng, signal, directions):
    """What is learnt on one half, on the other."""
    first, second = math.sqrt(2) * rng.standard_normal((2, 20_000, directions))
    first[:, 0] += signal
    second[:, 0] += signal
    inverse = (1 / np.linalg.norm(first, axis=1) + 1 / np.linalg.norm(second, axis=1)) / 2
    return (first * second).sum(axis=1) * inverse


@pytest.mark.parametrize("directions", [10, 64])
@pytest.mark.parametrize(
    ("statistics", "growth"),
    [
        (lambda rng, signal, _: signal + rng.standard_normal(20_000), lambda _: Added()),
        (kernel_like, lambda _: InQuadrature()),
        (classifier_like, ByHalves),
    ],
)
def test_the_signal_that_is_needed_is_seen_four_times_in_five(statistics, growth, directions):
    rng = np.random.default_rng(0)
    null, grows = statistics(rng, 0.0, directions), growth(directions)
    noise, threshold = (null**2).mean(), np.quantile(null, 0.998)
    needed = grows.needed(level_seen(threshold, null.std()), noise)
    found = statistics(rng, needed, directions)
    assert 0.7 < (found > threshold).mean() < 0.95
    assert grows.signal(found.mean(), noise) == pytest.approx(needed, rel=0.1)


@pytest.mark.parametrize("growth", [Added(), InQuadrature(), ByHalves(8)])
def test_without_a_statistic_there_is_no_signal(growth):
    assert growth.signal(-1.0, 0.5) == 0
    assert growth.signal(0.0, 0.5) == 0


@pytest.mark.parametrize("effect", [0.0, 1e-6, 0.05])
def test_where_the_reference_is_too_small_no_window_suffices(effect):
    assert samples_needed(effect, 3.2, 1000) is None
