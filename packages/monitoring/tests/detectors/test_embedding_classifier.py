import numpy as np
import pytest
from mlopsproj_monitoring.detectors.contrast import Contrast
from mlopsproj_monitoring.detectors.embedding_classifier import ClassifierDetector
from sklearn.metrics import roc_auc_score

DETECTOR = ClassifierDetector(components=2)


def contrast(window, reference):
    """Of whitened embeddings whose first half of rows is the first half."""
    halves = [
        [values[: len(values) // 2].mean(axis=0), values[len(values) // 2 :].mean(axis=0)]
        for values in (window, reference)
    ]
    difference = np.subtract(halves[0], halves[1])
    none = np.zeros((1, 1))
    return Contrast(none, none, difference[None], np.ones(1))


@pytest.mark.parametrize("shift", [0.3, 1.0, 2.0])
def test_the_effect_is_the_area_under_the_curve_of_what_was_learnt_on_the_other_half(shift):
    rng = np.random.default_rng(0)
    reference = rng.normal(size=(4000, 5))
    window = rng.normal(size=(4000, 5)) + shift * np.eye(5)[0]
    direction = window[:2000].mean(axis=0) - reference[:2000].mean(axis=0)
    scores = np.r_[window[2000:] @ direction, reference[2000:] @ direction]
    expected = roc_auc_score(np.repeat([1, 0], 2000), scores)
    assert DETECTOR.effect(contrast(window, reference)) == pytest.approx(expected, abs=0.01)


def test_what_is_learnt_from_noise_does_not_hold():
    rng = np.random.default_rng(0)
    found = [
        DETECTOR.statistics(contrast(rng.normal(size=(100, 20)), rng.normal(size=(100, 20))))[0]
        for _ in range(200)
    ]
    assert abs(np.mean(found)) < 4 * np.std(found) / np.sqrt(200)
    assert DETECTOR.effect(contrast(np.zeros((4, 2)), np.zeros((4, 2)))) == 0.5


def test_shares_and_statistics_belong_to_each_other():
    for share in (0.0, 0.02, 0.5):
        statistic = DETECTOR.statistic_of(share)
        halves = np.array([[[statistic], [statistic]]])
        effect = DETECTOR.effect(Contrast(np.zeros((1, 1)), np.zeros((1, 1)), halves, np.ones(1)))
        assert DETECTOR.share(effect) == pytest.approx(share)
