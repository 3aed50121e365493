import numpy as np
import pytest
from mlopsproj_core.errors import DataError
from mlopsproj_evaluation import Scores
from mlopsproj_evaluation.pairs import pair


def test_both_stand_in_the_candidate_s_order_under_its_labels(make_scores):
    ours, theirs = make_scores(10, wrong=[1], first=5), make_scores(10, wrong=[6])
    order = np.random.default_rng(0).permutation(10)
    shuffled = Scores(
        tuple(theirs.ids[row] for row in order), theirs.labels[order], theirs.probabilities[order]
    )
    pairs = pair(ours, shuffled)
    assert pairs.candidate.ids == pairs.champion.ids == ours.ids[:5]
    assert (pairs.champion.probabilities == theirs.probabilities[5:]).all()
    assert (len(pairs), pairs.excluded) == (5, 0)
    assert pairs.gained.tolist() == [False, True, False, False, False]
    assert not pairs.lost.any()


def test_a_corrected_label_counts_for_both(make_scores):
    ours, theirs = make_scores(10), make_scores(10)
    corrected = Scores(ours.ids, 1 - ours.labels, ours.probabilities)
    pairs = pair(corrected, theirs)
    assert not pairs.candidate.correct.any()
    assert not pairs.champion.correct.any()


def test_images_that_do_not_count_are_counted(make_scores):
    ours = make_scores(10)
    pairs = pair(ours, make_scores(6), exclude_ids=ours.short_ids[4:])
    assert (len(pairs), pairs.excluded) == (4, 2)


def test_none_may_be_common(make_scores):
    assert len(pair(make_scores(10), make_scores(10, first=10))) == 0


def test_models_of_other_classes_are_not_paired(make_scores):
    with pytest.raises(DataError, match="2 classes apart and the champion 3"):
        pair(make_scores(10), make_scores(10, classes=3))
