"""The alarm rate is the one asked for, whatever the window's size: the promise of this package."""

from dataclasses import replace

import numpy as np
import pytest
from mlopsproj_monitoring import DriftConfig, DriftDetector
from mlopsproj_monitoring.calibration import Calibration, NullDistribution
from mlopsproj_monitoring.detectors.univariate import NumberDetector
from scipy.stats import binom, ks_1samp, uniform


def p_values(make_reference, make_sample, rows, images, repeats, **asked):
    """Of checks without drift, each with a reference and a window of its own."""
    config = DriftConfig(draws=1000, minimum_effect=0)
    found = []
    for seed in range(repeats):
        detector = DriftDetector(make_reference(2 * seed, rows, **asked), config)
        found.append(detector.check(make_sample(2 * seed + 1, images, **asked)))
    return found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rows", "images", "asked"),
    [
        (400, 100, {}),
        (400, 300, {}),
        (400, 1000, {}),
        (150, 5000, {}),
        (150, 100, {"dimensions": 200}),
        (600, 300, {"classes": 300, "dimensions": 40}),
        (500, 1000, {"classes": 1000, "dimensions": 8}),
        (400, 300, {"classes": 10, "prior": np.array([0.8, *[0.2 / 9] * 9])}),
        (400, 300, {"classes": 2, "dimensions": 1}),
    ],
)
def test_false_alarms_are_as_frequent_as_asked_for(
    make_reference, make_sample, rows, images, asked
):
    repeats = 150
    checks = p_values(make_reference, make_sample, rows, images, repeats, **asked)
    found = np.array([check.p_value for check in checks])
    for alpha in (0.05, 0.2, 0.5):
        alarms = (found <= alpha).sum()
        # One test in a thousand may fail by chance; the exact tests' part is never used up.
        assert alarms <= binom.ppf(0.9995, repeats, alpha), alpha
        assert alarms >= binom.ppf(0.0005, repeats, 0.8 * alpha), alpha
    by_detector = {}
    for check in checks:
        for result in check.detectors:
            if result.threshold is not None:
                by_detector.setdefault(result.name, []).append(result.p_value)
    for name, values in by_detector.items():
        assert ks_1samp(values, uniform.cdf, alternative="greater").pvalue > 1e-4, name


@pytest.mark.parametrize("images", [100, 2000])
def test_a_check_without_drift_seldom_alarms(make_reference, make_sample, images):
    checks = p_values(make_reference, make_sample, 200, images, 40)
    # At 0.05: more than six of forty would come once in three hundred times.
    assert sum(check.p_value <= 0.05 for check in checks) <= 6


def calibration(rows=400, bins=8, draws=1000, seed=0):
    numbers = np.random.default_rng(3).integers(0, bins, rows)
    vectors = np.eye(bins, dtype=np.float32)[numbers]
    detectors = [NumberDetector("brightness", "univariate", slice(0, bins))]
    return Calibration(vectors, slice(0, 0), detectors, draws=draws, seed=seed)


def test_the_null_is_found_once_for_each_size_and_by_the_seed():
    one = calibration()
    assert one.at(1000) is one.at(1000)
    assert one.at(1000) is one.at(990)  # a tenth apart
    assert one.at(1000) is not one.at(2000)
    statistics = np.array([1.1])
    assert calibration().at(1000).p_values(statistics) == one.at(1000).p_values(statistics)
    assert calibration(seed=1).at(1000).p_values(statistics) != one.at(1000).p_values(statistics)


def test_windows_far_larger_than_the_reference_have_one_null():
    one = calibration()
    assert one.at(10**6) is one.at(10**9)


@pytest.mark.parametrize("images", [50, 200, 100_000])
def test_differences_vary_as_those_of_new_images_do(images):
    """The variance of one share's difference is p (1 - p) (1/m + 1/n)."""
    rows = 400
    vectors = np.eye(2, dtype=np.float32)[(np.arange(rows) < 100).astype(int)]
    detectors = [NumberDetector("brightness", "univariate", slice(0, 2))]
    null = Calibration(vectors, slice(0, 0), detectors, draws=20_000, seed=0).at(images)
    # Mean square of a statistic over its scale.
    assert null.noise[0] == pytest.approx(0.25 * 0.75, rel=0.04)


def test_thresholds_have_the_family_s_alarm_rate():
    rng = np.random.default_rng(0)
    draws = np.abs(rng.normal(size=(4000, 12)))
    draws[:, 6:] = draws[:, :6] + 0.1 * draws[:, 6:]  # half of them say the same again
    null = NullDistribution.of(draws)
    for alpha in (0.05, 0.01):
        limit = null.threshold_p_value(alpha)
        assert null.family_p_value(limit) == pytest.approx(alpha, rel=0.02)
        assert alpha / 12 < limit < alpha  # better than Bonferroni
        alarms = (draws > null.thresholds(limit)).any(axis=1).mean()
        assert alarms == pytest.approx(alpha, rel=0.25)


def test_the_order_of_the_images_changes_nothing(make_reference, make_sample):
    detector = DriftDetector(make_reference(1, 300), DriftConfig(draws=1000))
    sample = make_sample(2, 200)
    shuffled = sample.take(np.random.default_rng(0).permutation(200))
    one, other = detector.check(sample), detector.check(shuffled)
    assert one.verdict == other.verdict
    for first, second in zip(one.detectors, other.detectors, strict=True):
        assert first.statistic == pytest.approx(second.statistic, abs=1e-5)


def test_the_reference_itself_is_no_drift(make_reference):
    reference = make_reference(1, 300)
    detector = DriftDetector(reference, DriftConfig(draws=1000))
    unlabelled = replace(reference.sample, labels=[None] * 300)
    assert detector.check(unlabelled).p_value == 1
