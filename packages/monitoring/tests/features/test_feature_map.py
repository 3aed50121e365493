from dataclasses import replace

import numpy as np
from mlopsproj_monitoring.features.feature_map import (
    CLASSES,
    CORRECTNESS,
    KERNEL,
    MISSING,
    MODE,
    RARE_CLASSES,
    RARE_MODES,
    UNUSUAL_EMBEDDING,
    WHITENED,
    FeatureMap,
)


def events(features, sample):
    return dict(zip(features.events, features.rare(sample).sum(axis=0).tolist(), strict=True))


def test_blocks_are_those_that_can_tell_something(make_sample):
    features = FeatureMap.fit(make_sample(1, 500))
    assert list(features.blocks) == [
        "brightness",
        "contrast",
        "sharpness",
        "confidence",
        "ood_score",
        CLASSES,
        KERNEL,
        WHITENED,
    ]
    assert features.events == (
        "saturation",
        "width",
        "height",
        RARE_MODES,
        RARE_CLASSES,
        UNUSUAL_EMBEDDING,
        MISSING,
    )
    widths = [block.stop - block.start for block in features.blocks.values()]
    assert sum(widths) == features.width


def test_each_image_is_in_one_bin_and_one_group(make_sample):
    features = FeatureMap.fit(make_sample(1, 500))
    vectors = features.vectors(make_sample(2, 50))
    for name in ("brightness", "ood_score", CLASSES):
        assert (vectors[:, features.blocks[name]].sum(axis=1) == 1).all()


def test_modes_and_the_estimator_have_blocks_of_their_own(make_sample):
    sample = make_sample(1, 500)
    sample = replace(sample, mode=["L", "RGB"] * 250)
    features = FeatureMap.fit(sample, correctness=lambda some: np.full(len(some), 0.75))
    vectors = features.vectors(sample)
    assert vectors[:, features.blocks[MODE]].mean(axis=0).tolist() == [0.5, 0.5]
    assert (vectors[:, features.blocks[CORRECTNESS]] == 0.75).all()


def test_what_the_reference_hardly_shows_is_counted(make_sample):
    reference = make_sample(1, 500)
    features = FeatureMap.fit(reference)
    assert not any(events(features, reference).values())
    sample = make_sample(2, 50)
    brightness, embedding = sample.statistics["brightness"].copy(), sample.embedding.copy()
    brightness[:4] = np.nan
    embedding[4:6, 0] = np.inf
    strange = replace(
        sample,
        mode=["P"] * 7 + ["L"] * 43,
        embedding=embedding,
        statistics={**sample.statistics, "brightness": brightness, "width": np.full(50, 32.0)},
    )
    found = events(features, strange)
    assert (found["width"], found["height"], found[RARE_MODES], found[MISSING]) == (50, 0, 7, 6)


def test_a_statistic_that_the_reference_never_knows_is_strange_where_it_is_known(make_sample):
    reference = make_sample(1, 500)
    unknown = {**reference.statistics, "contrast": np.full(500, np.nan)}
    features = FeatureMap.fit(replace(reference, statistics=unknown))
    found = events(features, make_sample(2, 50))
    assert (found["contrast"], found[MISSING]) == (50, 0)
    assert events(features, replace(reference, statistics=unknown))[MISSING] == 0


def test_only_the_reference_decides(make_sample):
    one, other = (FeatureMap.fit(make_sample(1, 500)) for _ in range(2))
    sample = make_sample(2, 50)
    assert (one.vectors(sample) == other.vectors(sample)).all()
