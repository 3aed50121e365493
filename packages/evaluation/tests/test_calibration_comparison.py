import numpy as np
import pytest
from mlopsproj_evaluation import Scores, Verdict, evaluate
from mlopsproj_evaluation.calibration_comparison import compare_calibration
from mlopsproj_evaluation.pairs import pair


def two_models(rng, ours, theirs, images=1000):
    """Two models that say the same, too surely by so much each, and mostly err together."""
    confidence = rng.uniform(0.6, 0.99, images)
    luck = rng.random(images)
    other_luck = np.where(rng.random(images) < 0.8, luck, rng.random(images))
    ids = tuple(map(str, range(images)))

    def scores(too_sure, luck):
        right = luck < confidence - too_sure
        of_label = np.where(right, confidence, 1 - confidence).astype(np.float32)
        probabilities = np.stack([of_label, 1 - of_label], axis=1)
        return Scores(ids, np.zeros(images, np.int64), probabilities)

    return pair(scores(ours, luck), scores(theirs, other_luck))


def share(verdict, ours, theirs, *, images=1000, draws=60, limit=0.02):
    rng = np.random.default_rng(0)
    found = [
        compare_calibration(two_models(rng, ours, theirs, images), limit=limit).verdict
        for _ in range(draws)
    ]
    return found.count(verdict) / draws


def test_errors_are_those_of_the_report(make_scores):
    ours, theirs = make_scores(500, wrong=range(100)), make_scores(500, wrong=range(25))
    found = compare_calibration(pair(ours, theirs), limit=0.02)
    for scores, error in ((ours, found.candidate), (theirs, found.champion)):
        report = evaluate(scores, ("a", "b"), resamples=1)
        assert error == pytest.approx(report.metrics["expected_calibration_error"].value)
    assert found.difference == pytest.approx(0.1 - 0.05)
    assert found.low < found.difference < found.high
    assert found.verdict is Verdict.undecided
    assert compare_calibration(pair(ours, theirs), limit=0.01).verdict is Verdict.failed
    assert compare_calibration(pair(ours, theirs), limit=0.1).verdict is Verdict.passed


def test_the_same_model_differs_by_nothing(make_scores):
    scores = make_scores(300, wrong=range(60))
    found = compare_calibration(pair(scores, scores), limit=0.02)
    assert (found.verdict, found.low, found.difference, found.high) == (Verdict.passed, 0, 0, 0)


def test_a_seed_gives_the_same_answer(make_scores):
    pairs = pair(make_scores(300, wrong=range(60)), make_scores(300, wrong=range(50)))
    once, again, other = (compare_calibration(pairs, limit=0.02, seed=seed) for seed in (0, 0, 1))
    assert once == again != other


@pytest.mark.parametrize("images", [0, 99])
def test_a_few_images_decide_nothing(make_scores, images):
    scores = make_scores(images)
    found = compare_calibration(pair(scores, scores), limit=0.9)
    assert (found.verdict, found.images) == (Verdict.undecided, images)


def test_one_that_is_as_well_calibrated_mostly_passes():
    assert share(Verdict.passed, 0.0, 0.0, images=4000, draws=30) > 0.9
    assert share(Verdict.passed, 0.05, 0.05, images=4000, draws=30) > 0.9


def test_one_on_the_limit_rarely_passes_or_fails():
    assert share(Verdict.passed, 0.08, 0.06) < 0.15
    assert share(Verdict.failed, 0.08, 0.06) < 0.15


def test_one_far_beyond_the_limit_never_passes_and_mostly_fails():
    assert share(Verdict.passed, 0.08, 0.0) == 0
    assert share(Verdict.failed, 0.08, 0.0) > 0.7


def test_the_bias_against_a_champion_without_error_is_what_is_said():
    """On the limit up to half pass, at three times the limit almost none."""
    assert 0.1 < share(Verdict.passed, 0.02, 0.0) < 0.6
    assert share(Verdict.passed, 0.06, 0.0) < 0.05
