import numpy as np
import pytest
from mlopsproj_core.bundle import PERTURBED, Bundle
from mlopsproj_core.errors import BundleCorruptError
from mlopsproj_monitoring.estimation import CorrectnessModel
from mlopsproj_monitoring.sample import NUMERIC_STATISTICS, Sample


def fitted(answers):
    clean = np.array([name == "none" for name in answers.corruptions])
    return CorrectnessModel.fit(answers.probabilities, answers.ood_score, answers.correct, clean)


@pytest.mark.parametrize("classes", [2, 3, 100])
def test_on_images_of_all_kinds_the_chances_are_those_that_are(
    draw_answers, make_perturbed, classes
):
    model = fitted(make_perturbed(classes=classes))
    assert model.learnt_from == "spoilt images"
    for far in (0.0, 1.0, 3.0):
        probabilities, scores, labels, chance = draw_answers(
            4000, classes=classes, far=far, over=0.5 * far, seed=9
        )
        found = model.probability_of(probabilities, scores)
        assert found.mean() == pytest.approx(chance.mean(), abs=0.05)
        assert ((found > 0) & (found < 1)).all()
        sure = probabilities.max(axis=1).mean()
        if far > 1:
            assert abs(found.mean() - chance.mean()) < abs(sure - chance.mean()) / 2
        right = probabilities.argmax(axis=1) == labels
        assert found[right].mean() > found[~right].mean()


def test_it_is_the_same_whoever_fits_it(make_perturbed):
    one, other = (fitted(make_perturbed()) for _ in range(2))
    assert (one.coefficients == other.coefficients).all()


def test_who_is_surer_is_right_more_often_and_who_is_farther_less(make_perturbed):
    model = fitted(make_perturbed())
    top = np.linspace(0.4, 0.99, 30)
    probabilities = np.column_stack([top, *[(1 - top) / 2] * 2])
    rising = model.probability_of(probabilities, np.full(30, 7.0))
    assert (np.diff(rising) > 0).all()
    far = model.probability_of(np.repeat([[0.9, 0.05, 0.05]], 30, axis=0), np.linspace(6, 11, 30))
    assert (np.diff(far) < 0).all()


def test_what_is_no_number_has_a_sane_chance(make_perturbed):
    model = fitted(make_perturbed())
    usual = [[0.8, 0.1, 0.1]] * 4
    scores = np.array([np.nan, np.inf, -np.inf, 1e30])
    found = model.probability_of(np.array(usual), scores)
    assert ((found > 0) & (found < 1)).all()
    nothing = np.array([[np.nan, 0.5, 0.5], [1 / 3] * 3])
    unknown, alike = model.probability_of(nothing, np.full(2, 7.0))
    assert unknown == alike < 0.6


def test_scores_that_are_all_alike_or_no_number_are_of_no_account(make_perturbed):
    answers = make_perturbed()
    clean = np.array([name == "none" for name in answers.corruptions])
    for value in (0.0, np.nan):
        scores = np.full(len(answers), value, np.float32)
        model = CorrectnessModel.fit(answers.probabilities, scores, answers.correct, clean)
        found = model.probability_of(answers.probabilities, scores)
        assert found[clean].mean() == pytest.approx(answers.correct[clean].mean(), abs=0.1)
        assert found[~clean].mean() == pytest.approx(answers.correct[~clean].mean(), abs=0.1)


@pytest.mark.parametrize("outcome", [True, False])
def test_where_all_are_right_or_wrong_the_confidence_stands(draw_answers, outcome):
    probabilities, scores, _, _ = draw_answers(159)
    model = CorrectnessModel.fit(
        probabilities, scores, np.full(159, outcome), np.ones(159, dtype=bool)
    )
    assert model.learnt_from == "nothing"
    found = model.probability_of(probabilities, scores)
    np.testing.assert_allclose(found, probabilities.max(axis=1), atol=1e-5)


def test_a_bundle_is_learnt_from_as_its_rows_are(make_bundle, make_perturbed):
    answers = make_perturbed(classes=2)
    ours, read = fitted(answers), CorrectnessModel.read(make_bundle(answers))
    assert (ours.coefficients == read.coefficients).all()
    sample = Sample(
        ids=answers.ids,
        probabilities=answers.probabilities,
        embedding=np.zeros((len(answers), 1), np.float32),
        ood_score=answers.ood_score.astype(np.float64),
        statistics={name: np.zeros(len(answers)) for name in NUMERIC_STATISTICS},
        mode=["L"] * len(answers),
        labels=[None] * len(answers),
    )
    found = read.probability(sample)
    assert found.dtype == np.float64
    np.testing.assert_array_equal(
        found, ours.probability_of(answers.probabilities, answers.ood_score)
    )


def test_a_bundle_without_spoilt_images_is_calibrated_on_its_reference(make_bundle, draw_answers):
    bundle = make_bundle(images=3000, over=1.0)
    model = CorrectnessModel.read(bundle)
    assert model.learnt_from == "clean images"
    probabilities, scores, _, chance = draw_answers(3000, classes=2, over=1.0, seed=4)
    assert model.probability_of(probabilities, scores).mean() == pytest.approx(
        chance.mean(), abs=0.03
    )
    assert probabilities.max(axis=1).mean() > chance.mean() + 0.05


def test_a_file_that_is_none_or_of_another_model_is_refused(make_bundle, make_perturbed):
    bundle = make_bundle(make_perturbed(20, classes=3))
    with pytest.raises(BundleCorruptError, match="3 probabilities for each image, the manifest 2"):
        CorrectnessModel.read(bundle)
    (bundle.path / PERTURBED).write_bytes(b"nothing")
    with pytest.raises(BundleCorruptError, match="answers to spoilt images"):
        CorrectnessModel.read(Bundle.open(bundle.path))
