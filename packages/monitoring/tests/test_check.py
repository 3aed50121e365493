from dataclasses import replace

import numpy as np
import pytest
from mlopsproj_core.errors import DataError
from mlopsproj_monitoring import DriftConfig, DriftDetector
from mlopsproj_monitoring.quality import Share

CONFIG = DriftConfig(draws=1000)


@pytest.fixture(scope="module")
def detector(make_reference):
    return DriftDetector(make_reference(1, 1000), CONFIG)


def by_name(check):
    return {result.name: result for result in check.detectors}


def test_images_like_the_reference_s_are_no_drift(detector, make_sample):
    check = detector.check(make_sample(2, 300))
    assert check.verdict == "no drift"
    assert check.p_value > 0.01
    assert check.changed == ()
    assert not any(result.drifted for result in check.detectors)
    assert (check.images, check.labelled, check.reference_images) == (300, 0, 1000)


@pytest.mark.parametrize(
    ("asked", "name", "words"),
    [
        ({"brightness_shift": -0.2}, "brightness", "brightness fell (0.40 → 0.2"),
        ({"width": 32.0}, "width", "width rose (28 → 32)"),
        ({"mode": "RGB"}, "rare modes", "100 % of the images have a mode that is rare"),
        ({"prior": [0.8, 0.1, 0.1]}, "classes", "class c0 is predicted for 8"),
        ({"embedding_shift": 0.5}, "embedding classifier", "a classifier tells the embedding"),
        ({"embedding_shift": 0.5}, "embedding", "the embedding is distributed otherwise"),
        ({"embedding_shift": 1.5}, "ood_score", "the out-of-distribution score rose"),
    ],
)
def test_each_kind_of_drift_is_seen_and_named(detector, make_sample, asked, name, words):
    check = detector.check(make_sample(2, 300, **asked))
    result = by_name(check)[name]
    assert check.verdict == "drift"
    assert check.p_value < 0.001
    assert result.drifted
    assert result.p_value < 0.001
    if result.threshold is not None:
        assert result.statistic > result.threshold
        assert result.samples_needed <= 300
    assert any(text.startswith(words) for text in check.changed), check.changed


def test_the_strongest_change_is_told_first(detector, make_sample):
    check = detector.check(make_sample(2, 300, brightness_shift=0.5, prior=[0.5, 0.25, 0.25]))
    assert check.changed[0].startswith("brightness rose")
    assert any(text.startswith("class c0") for text in check.changed)


def test_too_few_images_are_no_verdict(detector, make_sample):
    check = detector.check(make_sample(2, 99, brightness_shift=1.0, labelled=True))
    assert check.verdict == "not enough data"
    assert check.p_value is None
    assert check.detectors == ()
    assert check.accuracy is not None


def test_no_image_at_all_is_no_verdict(detector):
    check = detector.check(detector.accumulator())
    assert (check.verdict, check.images, check.accuracy) == ("not enough data", 0, None)


@pytest.mark.parametrize("images", [300, 100_000])
def test_what_is_smaller_than_what_matters_is_no_drift_however_sure(
    make_reference, make_sample, images
):
    reference = make_reference(1, 5000)
    shifted = make_sample(2, images, brightness_shift=0.012)
    strict = DriftDetector(reference, replace(CONFIG, minimum_effect=0.1)).check(shifted)
    assert strict.verdict == "no drift"
    if images > 1000:
        assert strict.p_value <= 0.01
        assert not any(result.drifted for result in strict.detectors)
        assert DriftDetector(reference, CONFIG).check(shifted).verdict == "drift"


def test_a_window_of_one_class_is_drift(detector, make_sample):
    check = detector.check(make_sample(2, 200, prior=[0, 1, 0]))
    assert by_name(check)["classes"].effect == pytest.approx(2 / 3, abs=0.05)
    assert "class c1 is predicted for 100 %" in check.changed[0]


def test_a_constant_number_is_drift_where_it_is_another_one(detector, make_sample):
    same = by_name(detector.check(make_sample(2, 200)))
    assert same["saturation"].p_value == same["width"].p_value == 1
    sample = make_sample(2, 200)
    other = {**sample.statistics, "saturation": np.full(200, 0.3)}
    check = detector.check(replace(sample, statistics=other))
    assert check.verdict == "drift"
    assert by_name(check)["saturation"].drifted


def test_numbers_that_are_missing_are_drift(detector, make_sample):
    sample = make_sample(2, 200)
    missing = {**sample.statistics, "contrast": np.full(200, np.nan)}
    check = detector.check(replace(sample, statistics=missing))
    assert by_name(check)["missing values"].drifted
    assert "100 % of the images lack statistics" in check.changed


def test_a_few_missing_numbers_are_none(detector, make_sample):
    sample = make_sample(2, 200)
    contrast = sample.statistics["contrast"].copy()
    contrast[0] = np.nan
    check = detector.check(replace(sample, statistics={**sample.statistics, "contrast": contrast}))
    assert check.verdict == "no drift"


def test_where_all_of_the_reference_is_alike_what_differs_is_drift(make_reference, make_sample):
    reference = make_reference(1, 200)
    alike = replace(
        reference.sample,
        probabilities=np.tile(np.array([0.8, 0.1, 0.1], np.float32), (200, 1)),
        embedding=np.ones((200, 6), np.float32),
        ood_score=np.ones(200),
        statistics={name: np.ones(200) for name in reference.sample.statistics},
    )
    detector = DriftDetector(replace(reference, sample=alike), CONFIG)
    same = replace(alike, labels=[None] * 200)
    assert detector.check(same).verdict == "no drift"
    assert detector.check(make_sample(2, 200)).verdict == "drift"


def test_labels_that_came_back_tell_a_fall_of_accuracy(detector, make_sample):
    fallen = detector.check(make_sample(2, 300, labelled=True, accuracy=0.7))
    result = by_name(fallen)["accuracy"]
    assert fallen.verdict == "drift"
    assert fallen.labelled == 300
    assert result.drifted
    assert result.effect == pytest.approx(0.2, abs=0.06)
    assert fallen.accuracy.low < 0.7 < fallen.accuracy.high
    assert fallen.changed[0].startswith("the accuracy of labelled images fell by ")
    same = detector.check(make_sample(2, 300, labelled=True, accuracy=0.9))
    assert same.verdict == "no drift"


def test_a_few_labels_are_told_but_no_evidence(detector, make_sample):
    sample = make_sample(2, 300, labelled=True, accuracy=0.0)
    few = replace(sample, labels=[*sample.labels[:29], *[None] * 271])
    check = detector.check(few)
    assert check.verdict == "no drift"
    assert check.accuracy.value == 0
    assert "accuracy" not in by_name(check)


def test_an_estimator_gives_the_accuracy_and_says_when_it_falls(make_reference, make_sample):
    def correctness(sample):
        return np.where(sample.statistics["brightness"] > 0.2, 0.9, 0.3)

    detector = DriftDetector(make_reference(1, 1000), CONFIG, correctness=correctness)
    sample = make_sample(2, 400, brightness_shift=-0.2)
    check = detector.check(sample)
    expected = correctness(sample).mean()
    assert check.estimated_accuracy.value == pytest.approx(expected)
    assert check.estimated_accuracy.low < expected < check.estimated_accuracy.high
    assert by_name(check)["estimated accuracy"].drifted
    assert any(text.startswith("the estimated accuracy fell by") for text in check.changed)
    assert detector.check(make_sample(2, 400)).verdict == "no drift"


def test_an_estimator_may_tell_its_own_faults(make_reference, make_sample):
    detector = DriftDetector(
        make_reference(1, 1000),
        CONFIG,
        correctness=lambda sample: np.full(len(sample), 0.75),
        accuracy=lambda chance, images: Share(chance, chance - 0.1, chance + images / 4000),
    )
    found = detector.check(make_sample(2, 400)).estimated_accuracy
    assert (found.value, found.low, found.high) == pytest.approx((0.75, 0.65, 0.85))


def test_univariate_detectors_have_a_false_discovery_rate(detector, make_sample):
    for result in detector.check(make_sample(2, 300)).detectors:
        if result.family == "univariate":
            assert result.q_value >= result.p_value
        else:
            assert result.q_value is None


def test_another_model_s_images_are_refused(detector, make_sample):
    with pytest.raises(DataError, match="7 probabilities"):
        detector.check(make_sample(2, 300, classes=7))


def test_a_window_that_another_detector_summed_is_refused(detector, make_reference, make_sample):
    sums = DriftDetector(make_reference(2, 1000), CONFIG).accumulator()
    sums.add(make_sample(2, 300))
    with pytest.raises(DataError, match="another detector"):
        detector.check(sums)


def test_the_same_window_has_the_same_answer(make_reference, make_sample):
    sample = make_sample(2, 300)
    one, other = (DriftDetector(make_reference(1, 400), CONFIG).check(sample) for _ in range(2))
    assert one == other
