import pytest
from mlopsproj_monitoring.detectors.correctness import CorrectnessDetector

DETECTOR = CorrectnessDetector(slice(0, 1))


def test_a_fall_is_told_in_points_and_a_rise_is_none(make_contrast):
    fallen, risen = make_contrast([0.7], [0.9]), make_contrast([0.9], [0.7])
    assert DETECTOR.effect(fallen) == pytest.approx(0.2)
    assert DETECTOR.effect(risen) == 0
    assert DETECTOR.statistics(risen)[0] == pytest.approx(-0.2)
