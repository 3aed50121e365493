import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlopsproj_monitoring.detectors.univariate import NumberDetector
from mlopsproj_monitoring.features.bins import Bins
from scipy.stats import ks_2samp


@given(
    seed=st.integers(0, 1000),
    shift=st.floats(-2, 2),
    scale=st.floats(0.2, 5),
    decimals=st.integers(0, 8),
)
def test_is_the_kolmogorov_smirnov_distance_within_a_bin(
    make_contrast, seed, shift, scale, decimals
):
    rng = np.random.default_rng(seed)
    reference = np.round(rng.normal(size=1000), decimals)
    window = np.round(shift + scale * rng.normal(size=300), decimals)
    bins = Bins.fit(reference)
    shares = [
        np.bincount(bins.numbers(values), minlength=bins.count) / len(values)
        for values in (window, reference)
    ]
    detector = NumberDetector("brightness", "univariate", slice(0, bins.count))
    found = detector.effect(make_contrast(*shares))
    exact = ks_2samp(window, reference).statistic
    widest = max(shares[1].max(), 1 / bins.count)
    assert found <= exact + 1e-9
    assert found >= exact - widest - 1e-9


def test_numbers_that_are_missing_more_often_are_a_difference(make_contrast):
    detector = NumberDetector("contrast", "univariate", slice(0, 3))
    contrast = make_contrast([0.3, 0.3, 0.4], [0.45, 0.45, 0.1])
    assert detector.effect(contrast) == pytest.approx(0.3)
    assert detector.share(0.3) == detector.statistic_of(0.3) == 0.3
