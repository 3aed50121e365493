from dataclasses import replace

import numpy as np
import pytest
from mlopsproj_monitoring import DriftDetector
from mlopsproj_monitoring.changes import Change


@pytest.fixture(scope="module")
def detector(make_reference):
    return DriftDetector(make_reference(1, 300))


def words(detector, name, sample, effect=0.5):
    reference, window = detector.accumulator(), detector.accumulator()
    reference.add(detector.reference.sample)
    window.add(sample)
    return Change(name, effect).words(window, reference, detector.reference.classes)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (250.0, "brightness rose (0 → 250)"),
        (0.2, "brightness fell (0.40 → 0.20)"),
        (1e308, "brightness rose (4.0e-01 → 1.0e+100)"),
        (np.nan, "brightness is known for 0 % of the images"),
    ],
)
def test_a_number_is_told_by_its_means(detector, make_sample, now, expected):
    sample = make_sample(2, 100)
    statistics = {**sample.statistics, "brightness": np.full(100, now)}
    (text,) = words(detector, "brightness", replace(sample, statistics=statistics))
    assert text == expected


def means(detector):
    return detector.reference.sample.statistics["brightness"]


def test_a_number_whose_mean_is_the_same_is_distributed_otherwise(detector, make_sample):
    sample = make_sample(2, 100)
    statistics = {**sample.statistics, "brightness": np.full(100, means(detector).mean())}
    (text,) = words(detector, "brightness", replace(sample, statistics=statistics))
    assert text.startswith("brightness is distributed otherwise (mean 0.")


def test_the_classes_that_changed_most_are_named(detector, make_sample):
    found = words(detector, "classes", make_sample(2, 200, prior=[1, 0, 0]))
    assert found[0].startswith("class c0 is predicted for 100 % instead of 3")
    assert len(found) == 3


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("rare width", "5.0 % of the images have a width that is rare in the reference"),
        ("rare modes", "5.0 % of the images have a mode that is rare in the reference"),
        ("rare classes", "5.0 % of the images are given classes that are rare in the reference"),
        ("missing values", "5.0 % of the images lack statistics"),
        ("estimated accuracy", "the estimated accuracy fell by 5.0 points"),
        ("embedding", "the embedding is distributed otherwise (MMD 0.05)"),
    ],
)
def test_every_other_detector_has_words(detector, make_sample, name, text):
    assert words(detector, name, make_sample(2, 100), effect=0.05) == (text,)
