import numpy as np
import pytest
from mlopsproj_evaluation import Perturbed
from mlopsproj_monitoring.estimation.chance import Chance


def clean_answers(probabilities, scores, labels):
    rows = len(labels)
    return Perturbed(
        ids=tuple(f"{row:064x}" for row in range(rows)),
        corruptions=("none",) * rows,
        families=("none",) * rows,
        severities=np.zeros(rows, np.int8),
        labels=labels,
        probabilities=probabilities,
        ood_score=scores,
    )


@pytest.mark.parametrize("classes", [2, 3, 100])
def test_on_images_of_all_kinds_the_chances_are_those_that_are(
    draw_answers, make_perturbed, classes
):
    chance = Chance.fit(make_perturbed(classes=classes))
    for far in (0.0, 1.0, 3.0):
        probabilities, scores, labels, truth = draw_answers(
            4000, classes=classes, far=far, over=0.5 * far, seed=9
        )
        found = chance.of(probabilities, scores)
        assert found.mean() == pytest.approx(truth.mean(), abs=0.05)
        assert ((found > 0) & (found < 1)).all()
        right = probabilities.argmax(axis=1) == labels
        assert found[right].mean() > found[~right].mean()
    confidence = probabilities.max(axis=1).mean()
    assert abs(found.mean() - truth.mean()) < abs(confidence - truth.mean()) / 2


def test_it_is_the_same_whoever_fits_it(make_perturbed):
    one, other = (Chance.fit(make_perturbed()) for _ in range(2))
    assert (one.coefficients == other.coefficients).all()


def test_who_is_surer_is_right_more_often_and_who_is_farther_less(make_perturbed):
    chance = Chance.fit(make_perturbed())
    top = np.linspace(0.4, 0.99, 30)
    rising = chance.of(np.column_stack([top, *[(1 - top) / 2] * 2]), np.full(30, 7.0))
    assert (np.diff(rising) > 0).all()
    far = chance.of(np.repeat([[0.9, 0.05, 0.05]], 30, axis=0), np.linspace(7, 11, 30))
    assert (np.diff(far) < 0).all()


def test_what_is_no_number_has_a_sane_chance(make_perturbed):
    chance = Chance.fit(make_perturbed())
    scores = np.array([np.nan, np.inf, -np.inf, 1e30])
    found = chance.of(np.array([[0.8, 0.1, 0.1]] * 4), scores)
    assert ((found > 0) & (found < 1)).all()
    nothing = np.array([[np.nan, 0.5, 0.5], [1 / 3] * 3])
    unknown, alike = chance.of(nothing, np.full(2, 7.0))
    assert unknown == alike < 0.6


@pytest.mark.parametrize("value", [0.0, np.nan])
def test_scores_that_are_all_alike_or_no_number_are_of_no_account(make_perturbed, value):
    answers = make_perturbed()
    scores = np.full(len(answers), value, np.float32)
    blind = Perturbed(**{**vars(answers), "ood_score": scores})
    found = Chance.fit(blind).of(answers.probabilities, scores)
    clean = np.array(answers.families) == "none"
    # One curve for both kinds: too low for the one, too high for the other.
    assert found[clean].mean() <= answers.correct[clean].mean() + 0.02
    assert found[~clean].mean() >= answers.correct[~clean].mean() - 0.02
    assert found.mean() == pytest.approx(answers.correct.mean(), abs=0.12)


@pytest.mark.parametrize("is_right", [True, False])
def test_where_all_are_right_or_wrong_the_confidence_stands(draw_answers, is_right):
    probabilities, scores, _, _ = draw_answers(159)
    labels = probabilities.argmax(axis=1) if is_right else probabilities.argmin(axis=1)
    chance = Chance.fit(clean_answers(probabilities, scores, labels))
    assert chance.learnt_from == "nothing"
    found = chance.of(probabilities, scores)
    np.testing.assert_allclose(found, probabilities.max(axis=1), atol=1e-5)


def test_from_clean_images_nothing_is_learnt_of_those_far_out(draw_answers):
    probabilities, scores, labels, _ = draw_answers(2000, over=1.0)
    chance = Chance.fit(clean_answers(probabilities, scores, labels))
    assert chance.learnt_from == "clean images"
    near, far = (chance.of(probabilities, scores + more) for more in (0.0, 100.0))
    assert (near == far).all()
