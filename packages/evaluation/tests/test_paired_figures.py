import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlopsproj_core.errors import DataError
from mlopsproj_evaluation import Scores, evaluate
from mlopsproj_evaluation.comparison import difference_bounds
from mlopsproj_evaluation.paired_figures import figure_differences, mcnemar, recall_differences
from mlopsproj_evaluation.pairs import pair
from scipy.stats import binomtest


def drawn(seed, skill, images=400, classes=3):
    rng = np.random.default_rng(seed)
    labels = np.random.default_rng(0).integers(0, classes, images)
    strength = rng.normal(size=(images, classes))
    strength[np.arange(images), labels] += skill
    odds = np.exp(strength)
    probabilities = (odds / odds.sum(axis=1, keepdims=True)).astype(np.float32)
    return Scores(tuple(map(str, range(images))), labels, probabilities)


def test_both_figures_are_those_of_the_report():
    ours, theirs = drawn(1, 2.0), drawn(2, 1.0)
    found = figure_differences(pair(ours, theirs), count=50)
    reports = [evaluate(scores, ("a", "b", "c"), resamples=1) for scores in (ours, theirs)]
    assert [row.name for row in found] == list(reports[0].metrics)
    for row in found:
        assert row.candidate == pytest.approx(reports[0].metrics[row.name].value)
        assert row.champion == pytest.approx(reports[1].metrics[row.name].value)
        assert row.difference == pytest.approx(row.candidate - row.champion)
        assert row.low < row.difference < row.high


def test_a_better_model_is_shown_to_be_better():
    (accuracy, *_) = figure_differences(pair(drawn(1, 3.0), drawn(2, 1.0)), count=200)
    assert accuracy.low > 0


def test_what_is_the_same_differs_by_nothing_and_is_surer_than_each_alone():
    scores = drawn(1, 1.0)
    for row in figure_differences(pair(scores, scores), count=50):
        assert (row.low, row.difference, row.high) == (0, 0, 0)


def test_the_interval_of_accuracy_is_about_that_of_the_pairs():
    pairs = pair(drawn(1, 1.5), drawn(2, 1.5))
    (accuracy, *_) = figure_differences(pairs, count=1000)
    low, high = difference_bounds(
        len(pairs), int(pairs.gained.sum()), int(pairs.lost.sum()), level=0.975
    )
    assert (accuracy.low, accuracy.high) == pytest.approx((low, high), abs=0.012)


def test_a_figure_that_does_not_exist_is_left_out(make_scores):
    one_class = make_scores(1)
    found = figure_differences(pair(one_class, one_class), count=5)
    assert "auroc" not in {row.name for row in found}


def test_without_images_there_is_nothing_to_compare(make_scores):
    with pytest.raises(DataError, match="No image is common"):
        figure_differences(pair(make_scores(3), make_scores(3, first=3)))


def test_recall_of_each_class(make_scores):
    pairs = pair(make_scores(201, wrong=[0, 2, 1]), make_scores(201, wrong=[2, 3, 5]))
    even, odd = recall_differences(pairs, ("even", "odd"))
    assert (even.name, even.images, even.gained, even.lost) == ("even", 101, 0, 1)
    assert (even.candidate, even.champion) == pytest.approx((99 / 101, 100 / 101))
    assert even.difference == pytest.approx(-1 / 101)
    assert (even.low, even.high) == difference_bounds(101, 0, 1, level=0.975)
    assert odd.difference == pytest.approx(0.01)


def test_a_class_without_images_has_no_recall(make_scores):
    last = recall_differences(pair(make_scores(2, classes=3), make_scores(2, classes=3)), (*"abc",))
    assert (last[2].images, last[2].candidate, last[2].champion) == (0, None, None)
    assert (last[2].difference, last[2].low, last[2].high) == (None, -1, 1)


def test_who_is_right_where(make_scores):
    found = mcnemar(pair(make_scores(100, wrong=[0, 1, 2]), make_scores(100, wrong=[2, 3])))
    assert (found.both, found.gained, found.lost, found.neither) == (96, 1, 2, 1)
    assert found.p == 1


@settings(max_examples=60)
@given(gained=st.integers(0, 30), lost=st.integers(0, 30))
def test_p_is_that_of_the_binomial_test(make_scores, gained, lost):
    ours = make_scores(60, wrong=range(lost))
    theirs = make_scores(60, wrong=range(lost, lost + gained))
    expected = binomtest(gained, gained + lost, 0.5).pvalue if gained + lost else 1.0
    assert mcnemar(pair(ours, theirs)).p == pytest.approx(expected)
