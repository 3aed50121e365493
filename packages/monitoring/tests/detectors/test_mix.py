import numpy as np
import pytest
from mlopsproj_monitoring.detectors.mix import MixDetector

DETECTOR = MixDetector("classes", "prediction", slice(0, 3))


def test_is_tested_by_the_hellinger_distance_and_told_as_total_variation(make_contrast):
    contrast = make_contrast([0.5, 0.3, 0.2], [0.2, 0.3, 0.5])
    roots = np.sqrt([0.5, 0.3, 0.2]) - np.sqrt([0.2, 0.3, 0.5])
    assert DETECTOR.statistics(contrast)[0] == pytest.approx(np.sqrt((roots**2).sum() / 2))
    assert DETECTOR.effect(contrast) == pytest.approx(0.3)


def test_shares_that_share_nothing_are_as_far_apart_as_can_be(make_contrast):
    contrast = make_contrast([1, 0, 0], [0, 0.5, 0.5])
    assert DETECTOR.statistics(contrast)[0] == DETECTOR.effect(contrast) == 1


def test_a_share_below_zero_by_rounding_is_none(make_contrast):
    assert DETECTOR.statistics(make_contrast([-1e-18, 0, 1], [0, 0, 1]))[0] == 0


def test_a_share_of_many_equal_classes_has_the_statistic_that_it_is_said_to_have(make_contrast):
    before = np.full(100, 0.01)
    now = before + 0.001 * np.where(np.arange(100) % 2, 1, -1)
    detector = MixDetector("classes", "prediction", slice(0, 100))
    contrast = make_contrast(now, before)
    assert detector.effect(contrast) == pytest.approx(0.05)
    assert detector.statistics(contrast)[0] == pytest.approx(detector.statistic_of(0.05), rel=0.01)
