from dataclasses import replace

import numpy as np
from mlopsproj_monitoring.detectors.panel import family_of, panel
from mlopsproj_monitoring.features.feature_map import FeatureMap


def names(features, sample):
    return [detector.name for detector in panel(features, features.vectors(sample))]


def test_each_has_something_to_look_at(make_sample):
    sample = make_sample(1, 500)
    features = FeatureMap.fit(sample, correctness=lambda some: np.full(len(some), 0.9))
    assert names(features, sample) == [
        "brightness",
        "contrast",
        "sharpness",
        "confidence",
        "ood_score",
        "classes",
        "embedding",
        "embedding classifier",
        "estimated accuracy",
    ]


def test_where_everything_is_alike_there_is_none(make_sample):
    sample = make_sample(1, 500)
    alike = replace(
        sample,
        probabilities=np.full((500, 3), 1 / 3, np.float32),
        embedding=np.ones((500, 2), np.float32),
        ood_score=np.ones(500),
        statistics={name: np.ones(500) for name in sample.statistics},
    )
    assert names(FeatureMap.fit(alike), alike) == []


def test_numbers_belong_to_families():
    assert family_of("confidence") == "prediction"
    assert family_of("ood_score") == "ood"
    assert family_of("brightness") == "univariate"
