"""A real classifier of real handwriting, under every corruption."""

import numpy as np
import pytest
from mlopsproj_core import LabelledImages, Outputs
from mlopsproj_evaluation import Verdict, compare_robustness, corrupt, measure_robustness
from mlopsproj_evaluation.corruptions.catalogue import CORRUPTIONS
from mlopsproj_evaluation.corruptions.corruption import SEVERITIES, Signal
from mlopsproj_evaluation.robustness.shifts import Shifts
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.svm import SVC

TRAIN, SIDE = 900, 24


def larger(digit):
    """A digit of 8 x 8 values from 0 to 16, on a margin, as prepared images are."""
    framed = np.pad((digit * 15).astype(np.uint8), 2)
    return np.asarray(Image.fromarray(framed).resize((SIDE, SIDE), Image.Resampling.BICUBIC))


@pytest.fixture(scope="module")
def digits():
    found = load_digits()
    pixels = np.stack([larger(digit) for digit in found.images])[..., None]
    ids = tuple(f"{number:064x}" for number in range(len(pixels)))
    return LabelledImages(ids, pixels, found.target, tuple(map(str, range(10))))


def trained_on(digits, count):
    """A classifier that knows the first so many digits, called as a graph is."""
    flat = digits.images.reshape(len(digits), -1) / 255
    model = SVC(gamma=0.02, C=5).fit(flat[:count], digits.labels[:count])

    def run(images):
        values = images.reshape(len(images), -1) / 255
        scores = np.exp(model.decision_function(values))
        return Outputs(
            (scores / scores.sum(axis=1, keepdims=True)).astype(np.float32),
            values.astype(np.float32),
            np.zeros(len(values), np.float32),
        )

    return run


@pytest.fixture(scope="module")
def test_digits(digits):
    rest = slice(TRAIN, None)
    return LabelledImages(
        digits.ids[rest], digits.images[rest], digits.labels[rest], digits.classes
    )


@pytest.fixture(scope="module")
def run(digits):
    return trained_on(digits, TRAIN)


@pytest.fixture(scope="module")
def watched(run, test_digits):
    shifts = Shifts()
    return measure_robustness(run, test_digits, observe=shifts.observe), shifts


def test_it_is_right_less_often_the_more_its_images_are_spoilt(watched):
    measured, _ = watched
    assert measured.clean_accuracy.low > 0.9
    assert measured.accuracy.high < measured.clean_accuracy.low
    by_severity = [figure.value for figure in measured.by_severity.values()]
    assert by_severity == sorted(by_severity, reverse=True)
    assert measured.by_severity[5].high < measured.by_severity[1].low


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_no_corruption_helps(name, run, test_digits):
    right = []
    for severity in SEVERITIES:
        spoilt = corrupt(test_digits.images[:300], test_digits.ids[:300], name, severity)
        right.append((run(spoilt).probabilities.argmax(axis=1) == test_digits.labels[:300]).mean())
    assert right[4] <= right[0] + 0.01


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_what_should_see_a_corruption_sees_it_at_last(name, watched):
    """The declared signals, on real images: those that no network is needed for."""
    _, shifts = watched
    seen = shifts.seen_from(name)
    wanted = set(CORRUPTIONS[name].signals) - {Signal.embedding}
    assert wanted <= set(seen)


def test_a_model_that_knows_less_is_shown_to_be_less_robust(digits, test_digits, watched):
    measured, _ = watched
    poor = measure_robustness(trained_on(digits, 60), test_digits)
    assert compare_robustness(poor, measured).verdict is Verdict.failed
    assert compare_robustness(measured, poor).verdict is Verdict.passed
    assert compare_robustness(measured, measured).verdict is Verdict.passed
