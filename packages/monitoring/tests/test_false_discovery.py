import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from mlopsproj_monitoring.false_discovery import q_values
from scipy.stats import false_discovery_control


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_agrees_with_scipy(p_values):
    expected = false_discovery_control(p_values, method="by")
    assert np.allclose(q_values(np.array(p_values)), expected)


def test_of_no_test_there_is_none():
    assert len(q_values(np.array([]))) == 0
