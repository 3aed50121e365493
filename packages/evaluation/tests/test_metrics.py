import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlopsproj_evaluation import Scores, metrics
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    f1_score,
    precision_recall_fscore_support,
    roc_auc_score,
)

BINS = 15


@st.composite
def weighted_scores(draw):
    """Scores with absent classes and ties, and how often each image counts in three samples."""
    classes, images = draw(st.integers(2, 6)), draw(st.integers(1, 60))
    steps = draw(st.sampled_from([2, 5, 1000]))  # the fewer, the more ties
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    present = rng.permutation(classes)[: rng.integers(1, classes + 1)]
    votes = rng.integers(0, steps, (images, classes))
    votes[np.arange(images), rng.integers(0, classes, images)] += 1
    scores = Scores(
        tuple(map(str, range(images))),
        rng.choice(present, images),
        (votes / votes.sum(axis=1, keepdims=True)).astype(np.float32),
    )
    weights = rng.integers(0, 4, (3, images)).astype(np.float64)
    weights[:, rng.integers(0, images)] += 1
    return scores, weights


def samples(scores, weights):
    """Labels, predictions, probabilities and weights of each sample, without what counts 0."""
    for row in weights:
        kept = row > 0
        yield (
            scores.labels[kept],
            scores.predicted[kept],
            scores.probabilities[kept],
            row[kept],
        )


@settings(max_examples=50)
@given(weighted_scores())
def test_accuracy_is_scikit_learn_s(given_scores):
    scores, weights = given_scores
    expected = [
        accuracy_score(labels, predicted, sample_weight=row)
        for labels, predicted, _, row in samples(scores, weights)
    ]
    assert metrics.accuracy(scores, weights) == pytest.approx(expected)


@settings(max_examples=50)
@given(weighted_scores())
def test_balanced_accuracy_is_scikit_learn_s(given_scores):
    scores, weights = given_scores
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of predictions of absent classes
        expected = [
            balanced_accuracy_score(labels, predicted, sample_weight=row)
            for labels, predicted, _, row in samples(scores, weights)
        ]
    found = metrics.balanced_accuracy(metrics.class_counts(scores, weights))
    assert found == pytest.approx(expected)


@settings(max_examples=50)
@given(weighted_scores())
def test_macro_f1_is_scikit_learn_s_over_the_classes_that_occur(given_scores):
    scores, weights = given_scores
    expected = [
        f1_score(
            labels,
            predicted,
            labels=sorted({*labels.tolist(), *predicted.tolist()}),
            average="macro",
            sample_weight=row,
        )
        for labels, predicted, _, row in samples(scores, weights)
    ]
    found = metrics.macro_f1(metrics.class_counts(scores, weights))
    assert found == pytest.approx(expected)


@settings(max_examples=50)
@given(weighted_scores())
def test_figures_by_class_are_scikit_learn_s_and_none_where_there_is_nothing_to_divide_by(
    given_scores,
):
    scores, weights = given_scores
    counts = metrics.class_counts(scores, weights)
    for row, (labels, predicted, _, weight) in enumerate(samples(scores, weights)):
        precision, recall, f1, support = precision_recall_fscore_support(
            labels,
            predicted,
            labels=range(scores.probabilities.shape[1]),
            sample_weight=weight,
            zero_division=np.nan,
        )
        assert counts.precision[row] == pytest.approx(precision, nan_ok=True)
        assert counts.recall[row] == pytest.approx(recall, nan_ok=True)
        assert counts.f1[row] == pytest.approx(f1, nan_ok=True)
        assert counts.support[row] == pytest.approx(support)


@settings(max_examples=50)
@given(weighted_scores())
def test_auroc_is_the_mean_of_scikit_learn_s_over_the_classes_that_have_one(given_scores):
    scores, weights = given_scores
    expected = []
    for labels, _, probabilities, row in samples(scores, weights):
        areas = [
            roc_auc_score(labels == label, probabilities[:, label], sample_weight=row)
            for label in set(labels.tolist())
            if (labels != label).any()
        ]
        expected.append(np.mean(areas) if areas else np.nan)
    assert metrics.auroc(scores, weights) == pytest.approx(expected, nan_ok=True)


def plain_calibration_error(labels, predicted, probabilities, weights):
    """Image by image; bin k holds confidences above k / 15 up to (k + 1) / 15."""
    bins = [[0.0, 0.0, 0.0] for _ in range(BINS)]
    for label, guess, row, weight in zip(labels, predicted, probabilities, weights, strict=True):
        confidence = float(row[guess])
        place = max(k for k in range(BINS) if k == 0 or confidence > k / BINS)
        bins[place][0] += weight
        bins[place][1] += weight * confidence
        bins[place][2] += weight * (label == guess)
    total = sum(count for count, _, _ in bins)
    return sum(
        count / total * abs(right / count - sure / count) for count, sure, right in bins if count
    )


@settings(max_examples=50)
@given(weighted_scores())
def test_expected_calibration_error_is_that_of_its_definition(given_scores):
    scores, weights = given_scores
    expected = [plain_calibration_error(*sample) for sample in samples(scores, weights)]
    assert metrics.expected_calibration_error(scores, weights) == pytest.approx(expected)


@settings(max_examples=25)
@given(weighted_scores())
def test_a_weight_counts_like_as_many_copies(given_scores):
    scores, weights = given_scores
    times = weights[0].astype(int)
    copied = Scores(
        tuple(map(str, range(times.sum()))),
        np.repeat(scores.labels, times),
        np.repeat(scores.probabilities, times, axis=0),
    )
    once = np.ones((1, len(copied)))
    for figure in (metrics.accuracy, metrics.auroc, metrics.expected_calibration_error):
        alone = figure(copied, once)
        assert figure(scores, weights)[:1] == pytest.approx(alone, nan_ok=True)


def test_confidence_of_0_and_1_fall_into_the_outer_bins():
    scores = Scores(("a", "b"), np.array([0, 0]), np.array([[1, 0], [0, 0]], np.float32))
    count, _, _ = metrics.calibration_bins(scores, np.ones((1, 2)))
    assert count[0].tolist() == [1] + [0] * 13 + [1]


def test_a_model_that_always_says_the_same_has_an_auroc_of_a_half():
    labels = np.arange(30) % 3
    scores = Scores(tuple(map(str, range(30))), labels, np.full((30, 3), 1 / 3, np.float32))
    assert metrics.auroc(scores, np.ones((1, 30))) == pytest.approx([0.5])
