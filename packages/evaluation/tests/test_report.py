import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlopsproj_core.errors import ConfigError, DataError
from mlopsproj_evaluation import Scores, evaluate, report, resampling
from mlopsproj_evaluation.resampling import resamples
from scipy.stats import binom
from sklearn.metrics import confusion_matrix

FIGURES = {"accuracy", "balanced_accuracy", "macro_f1", "auroc", "expected_calibration_error"}
FALSE_ALARM = 1e-6


def random_scores(images, classes, seed, skill=1.5):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, images)
    strength = rng.normal(size=(images, classes))
    strength[np.arange(images), labels] += skill
    odds = np.exp(strength)
    probabilities = (odds / odds.sum(axis=1, keepdims=True)).astype(np.float32)
    return Scores(tuple(map(str, range(images))), labels, probabilities)


def names(classes):
    return tuple(f"class {label}" for label in range(classes))


@settings(max_examples=20)
@given(st.integers(1, 80), st.integers(2, 5), st.integers(0, 10**6))
def test_every_figure_stands_within_its_interval(images, classes, seed):
    found = evaluate(random_scores(images, classes, seed), names(classes), resamples=40)
    assert found.metrics.keys() | {"auroc"} == FIGURES
    by_class = [m for row in found.per_class for m in (row.precision, row.recall, row.f1) if m]
    for metric in [*found.metrics.values(), *by_class]:
        assert 0 <= metric.low <= metric.value <= metric.high <= 1


def test_accuracy_s_interval_covers_the_truth_as_often_as_it_says():
    truth, images, repetitions = 0.8, 100, 400
    rng = np.random.default_rng(2)
    ids, labels = tuple(map(str, range(images))), np.arange(images) % 2
    covered = 0
    for seed in range(repetitions):
        wrong = rng.random(images) >= truth
        probabilities = np.eye(2, dtype=np.float32)[np.where(wrong, 1 - labels, labels)]
        scores = Scores(ids, labels, probabilities)
        metric = evaluate(scores, ("a", "b"), seed=seed, resamples=200).metrics["accuracy"]
        covered += metric.low <= truth <= metric.high
    # The bootstrap's own coverage, with so few images and resamples, is 93 to 96 %.
    assert binom.ppf(FALSE_ALARM, repetitions, 0.93) <= covered
    assert covered <= binom.isf(FALSE_ALARM, repetitions, 0.96)


def test_accuracy_s_interval_is_the_binomial_one_that_many_resamples_approach(make_scores):
    images, wrong = 200, 30
    scores = make_scores(images, range(wrong))
    metric = evaluate(scores, ("a", "b"), resamples=20_000).metrics["accuracy"]
    expected = binom.ppf([0.025, 0.975], images, 1 - wrong / images) / images
    # One image more or less: the bias correction of a discrete figure moves it by as much.
    assert [metric.low, metric.high] == pytest.approx(expected, abs=1.01 / images)


def test_calibration_error_s_interval_corrects_for_the_bias_of_resampling():
    """Labels are drawn from the probabilities, so that the true error is 0."""
    rng = np.random.default_rng(1)
    confidence = rng.uniform(0.5, 1, 400)
    labels = (rng.random(400) > confidence).astype(np.int64)
    probabilities = np.stack([confidence, 1 - confidence], axis=1).astype(np.float32)
    scores = Scores(tuple(map(str, range(400))), labels, probabilities)
    metric = evaluate(scores, ("a", "b")).metrics["expected_calibration_error"]
    resampled = report.figures_of(scores, next(resamples(400, 200, seed=1)))
    plain = np.quantile(resampled["expected_calibration_error"], 0.5)
    assert metric.value < plain
    assert (metric.low + metric.high) / 2 < plain


def test_a_seed_gives_the_same_report_and_another_one_another():
    scores = random_scores(60, 3, seed=1)
    once, again, other = (evaluate(scores, names(3), seed=seed) for seed in (4, 4, 5))
    assert once.to_json() == again.to_json()
    assert once.metrics["accuracy"].value == other.metrics["accuracy"].value
    assert once.to_json() != other.to_json()


def test_how_many_resamples_are_drawn_at_once_changes_nothing(monkeypatch):
    scores = random_scores(60, 3, seed=1)
    whole = evaluate(scores, names(3), resamples=50).to_json()
    monkeypatch.setattr(resampling, "_MOST_DRAWN", 7 * 60)
    assert evaluate(scores, names(3), resamples=50).to_json() == whole
    monkeypatch.setattr(resampling, "_MOST_DRAWN", 1)
    assert evaluate(scores, names(3), resamples=50).to_json() == whole


def test_confusion_is_scikit_learn_s_with_the_label_in_the_row():
    scores = random_scores(300, 4, seed=2)
    found = evaluate(scores, names(4), resamples=1).confusion
    expected = confusion_matrix(scores.labels, scores.predicted, labels=range(4))
    assert (found == expected).all()


def test_calibration_bins_hold_every_image_and_add_up_to_the_error():
    scores = random_scores(300, 4, seed=3)
    found = evaluate(scores, names(4), resamples=1)
    assert sum(item.images for item in found.calibration) == 300
    right = sum(item.images * item.accuracy for item in found.calibration)
    assert right / 300 == pytest.approx(found.metrics["accuracy"].value)
    gaps = sum(item.images * abs(item.confidence - item.accuracy) for item in found.calibration)
    error = found.metrics["expected_calibration_error"].value
    assert gaps / 300 == pytest.approx(error)


def test_a_model_without_mistakes_has_1_everywhere(make_scores):
    found = evaluate(make_scores(40), ("a", "b"), resamples=100)
    for name in FIGURES - {"expected_calibration_error"}:
        metric = found.metrics[name]
        assert (metric.value, metric.low, metric.high) == (1, 1, 1)
    assert found.metrics["expected_calibration_error"].value == pytest.approx(0.1)


def test_a_single_class_has_no_auroc(make_scores):
    scores = make_scores(20, wrong=[2, 4])
    one_class = Scores(scores.ids[::2], scores.labels[::2], scores.probabilities[::2])
    found = evaluate(one_class, ("a", "b"), resamples=100)
    assert set(found.metrics) == FIGURES - {"auroc"}
    assert found.metrics["accuracy"].value == pytest.approx(0.8)
    assert found.per_class[1].support == 0
    assert found.per_class[1].recall is None
    assert found.per_class[1].precision.value == 0


def test_a_single_image_is_judged(make_scores):
    found = evaluate(make_scores(1), ("a", "b"), resamples=10)
    assert found.images == 1
    assert found.metrics["accuracy"].value == 1


def test_a_class_that_is_neither_shown_nor_predicted_has_no_figures(make_scores):
    scores = make_scores(30, wrong=[1])
    wide = np.pad(scores.probabilities, ((0, 0), (0, 1)))
    found = evaluate(Scores(scores.ids, scores.labels, wide), ("a", "b", "c"), resamples=50)
    row = found.per_class[2]
    assert (row.support, row.precision, row.recall, row.f1) == (0, None, None, None)


def test_json_holds_all_of_the_report():
    found = evaluate(random_scores(50, 3, seed=5), names(3), resamples=20)
    values = json.loads(found.to_json())
    assert values["images"] == 50
    assert values["metrics"]["auroc"] == found.metrics["auroc"].model_dump()
    assert values["per_class"][1]["name"] == "class 1"
    assert values["per_class"][1]["recall"]["value"] == found.per_class[1].recall.value
    assert values["confusion"] == found.confusion.tolist()
    assert len(values["calibration"]) == len(found.calibration)


def test_without_images_there_is_nothing_to_judge(make_scores):
    with pytest.raises(DataError, match="no image"):
        evaluate(make_scores(0), ("a", "b"))


def test_names_must_be_one_for_each_probability(make_scores):
    with pytest.raises(DataError, match="3 classes are named, but the model tells 2"):
        evaluate(make_scores(5), ("a", "b", "c"))


def test_without_resamples_there_is_no_interval(make_scores):
    with pytest.raises(ConfigError, match="0 resamples"):
        evaluate(make_scores(5), ("a", "b"), resamples=0)
