import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlopsproj_core import Outputs
from mlopsproj_evaluation import measure_robustness
from mlopsproj_evaluation.corruptions.corruption import Signal
from mlopsproj_evaluation.robustness.outcomes import CLEAN
from mlopsproj_evaluation.robustness.shifts import SEEN, Shifts, _distance
from scipy.stats import ks_2samp

samples = st.lists(st.integers(-5, 5).map(float), min_size=1, max_size=30).map(np.array)


@given(samples, samples)
def test_the_distance_is_the_largest_gap_between_the_shares_below_a_value(one, other):
    gaps = [abs((one <= value).mean() - (other <= value).mean()) for value in range(-5, 6)]
    assert _distance(one, other) == pytest.approx(max(gaps))


def outputs(confidence, ood_score):
    confidence = np.asarray(confidence, np.float32)
    return Outputs(
        np.stack([confidence, 1 - confidence], axis=1),
        np.zeros((len(confidence), 2), np.float32),
        np.asarray(ood_score, np.float32),
    )


def grey(*levels):
    return np.stack([np.full((8, 8, 1), level, np.uint8) for level in levels])


def test_each_signal_is_held_against_the_same_images_as_they_were():
    shifts, places = Shifts(), np.arange(4)
    shifts.observe(CLEAN, 0, places, grey(10, 20, 30, 40), outputs([0.9] * 4, [1, 2, 3, 4]))
    shifts.observe("fog", 1, places[:2], grey(10, 20), outputs([0.9, 0.8], [1, 2]))
    shifts.observe("fog", 2, places[2:], grey(200, 210), outputs([0.6, 0.7], [3, 4]))
    found = shifts.distances("fog")
    assert found[Signal.brightness] == [0, 1, 0, 0, 0]
    assert found[Signal.confidence] == [0.5, 1, 0, 0, 0]
    assert found[Signal.embedding] == [0] * 5
    assert found[Signal.contrast] == found[Signal.saturation] == [0] * 5


def test_batches_of_one_severity_are_taken_together():
    shifts = Shifts()
    for start in (0, 2):
        places = np.arange(start, start + 2)
        shifts.observe(CLEAN, 0, places, grey(10, 20), outputs([0.9] * 2, [0, 0]))
        shifts.observe("fog", 5, places, grey(10, 90), outputs([0.9] * 2, [start, start]))
    found = shifts.distances("fog")
    assert found[Signal.brightness][4] == 0.5
    assert found[Signal.embedding][4] == 0.5


@pytest.mark.parametrize(
    ("distances", "first"),
    [
        ([0.0, 0.1, 0.2, 0.5, 1.0], 3),
        ([0.5] * 5, 1),
        ([0.0, 0.0, 0.0, 0.0, 0.2], 5),
        ([0.9, 0.9, 0.9, 0.9, 0.1], None),
        ([0.9, 0.1, 0.9, 0.9, 0.9], 3),
        ([0.0] * 5, None),
    ],
)
def test_a_signal_shows_from_where_on_it_stays_far(monkeypatch, distances, first):
    assert SEEN == 0.2
    shifts = Shifts()
    monkeypatch.setattr(shifts, "distances", lambda _: {Signal.contrast: distances})
    assert shifts.seen_from("fog") == ({} if first is None else {Signal.contrast: first})


def test_what_two_windows_tell_apart_at_one_in_a_hundred():
    """The reason for SEEN: the critical value of two samples of 133."""
    assert ks_2samp(np.arange(133), np.arange(133) + 0.2 * 133).pvalue < 0.011


def test_a_real_graph_is_watched(graph, make_images):
    shifts = Shifts()
    measure_robustness(graph.run, make_images(100), observe=shifts.observe)
    assert shifts.seen_from("brightness")[Signal.brightness] <= 2
    assert Signal.sharpness in shifts.seen_from("gaussian_noise")
    assert Signal.brightness not in shifts.seen_from("gaussian_blur")
