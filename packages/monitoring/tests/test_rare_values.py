import pytest
from hypothesis import given
from hypothesis import strategies as st
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
