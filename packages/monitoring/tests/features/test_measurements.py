from dataclasses import replace

import numpy as np
from mlopsproj_core.image import ImageStatistics
from mlopsproj_monitoring.features.measurements import MEASURED, measurements, predicted
from mlopsproj_monitoring.sample import NUMERIC_STATISTICS


def test_statistics_are_those_of_the_image():
    assert {*NUMERIC_STATISTICS, "mode"} == set(ImageStatistics.__dataclass_fields__)


def test_confidence_is_the_largest_probability(make_sample):
    sample = make_sample(1, 10)
    found = measurements(sample)
    assert tuple(found) == MEASURED
    rows = np.arange(10)
    assert (found["confidence"] == sample.probabilities[rows, predicted(sample)]).all()
    assert (found["brightness"] == sample.statistics["brightness"]).all()


def test_what_is_not_finite_is_no_number(make_sample):
    sample = make_sample(1, 3)
    sample = replace(sample, ood_score=np.array([1.0, np.inf, -np.inf]))
    assert np.array_equal(measurements(sample)["ood_score"], [1, np.nan, np.nan], equal_nan=True)
