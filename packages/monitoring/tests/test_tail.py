import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlopsproj_monitoring.tail import NullTail
from scipy.stats import chi2, kstest


def test_p_values_of_draws_are_uniform():
    draws = np.random.default_rng(0).normal(size=4000) ** 2
    tail = NullTail(draws)
    assert kstest(tail.p_values(draws), "uniform").pvalue > 0.01


@pytest.mark.parametrize("degrees", [1, 5, 50])
@pytest.mark.parametrize("p_value", [0.2, 0.05, 0.01, 0.001])
def test_beyond_the_draws_they_go_on(degrees, p_value):
    statistic = chi2.isf(p_value, degrees)
    found = [
        NullTail(np.random.default_rng(seed).chisquare(degrees, 4000)).p_values(
            np.array([statistic])
        )[0]
        for seed in range(20)
    ]
    # Of sums of many squares rather too large, since their tails are thinner.
    assert 0.8 * p_value < np.mean(found) < 1.4 * p_value


@given(
    st.lists(st.floats(-100, 100), min_size=20, max_size=200),
    st.lists(st.floats(-1000, 1000), min_size=2, max_size=20),
)
def test_a_larger_statistic_never_has_a_larger_p_value(draws, statistics):
    found = NullTail(np.array(draws)).p_values(np.sort(statistics))
    assert (np.diff(found) <= 1e-12).all()
    assert (found > 0).all()
    assert (found <= 1).all()


@pytest.mark.parametrize("p_value", [0.5, 0.05, 0.01, 1e-6])
def test_the_statistic_of_a_p_value_has_it(p_value):
    tail = NullTail(np.random.default_rng(0).exponential(size=4000))
    statistic = tail.statistic(p_value)
    assert tail.p_values(np.array([statistic]))[0] == pytest.approx(p_value, rel=0.02)


def test_draws_that_are_all_alike_say_nothing_of_the_same():
    tail = NullTail(np.zeros(100))
    assert tail.p_values(np.array([0.0, 1.0])).tolist() == [1.0, 1 / 101]
