import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlopsproj_monitoring.quality import fall_p_value, share
from scipy.stats import binomtest, fisher_exact


@given(images=st.integers(1, 5000), part=st.floats(0, 1))
def test_the_interval_is_wilson_s(images, part):
    successes = round(part * images)
    expected = binomtest(successes, images).proportion_ci(0.95, method="wilson")
    found = share(successes, images)
    assert found.value == successes / images
    assert found.low == pytest.approx(expected.low, abs=1e-6)
    assert found.high == pytest.approx(expected.high, abs=1e-6)
    assert 0 <= found.low <= found.value + 1e-12
    assert found.value <= found.high + 1e-12 <= 1 + 1e-12


@given(
    images=st.integers(1, 1000),
    rows=st.integers(50, 5000),
    part=st.floats(0, 1),
    before=st.floats(0, 1),
)
def test_a_fall_is_tested_by_fisher_s_exact_test(images, rows, part, before):
    correct, right_before = round(part * images), round(before * rows)
    table = [[correct, images - correct], [right_before, rows - right_before]]
    expected = fisher_exact(table, alternative="less").pvalue
    found = fall_p_value(correct, images, right_before, rows)
    assert found == pytest.approx(expected, abs=1e-9, rel=1e-6)


def test_a_rise_is_no_fall():
    assert fall_p_value(99, 100, 4000, 5000) > 0.99
