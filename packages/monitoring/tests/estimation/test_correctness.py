from dataclasses import astuple

import numpy as np
import pytest
from mlopsproj_core.bundle import PERTURBED, Bundle
from mlopsproj_core.errors import BundleCorruptError, DataError
from mlopsproj_evaluation import Perturbed
from mlopsproj_monitoring.estimation import CorrectnessModel
from mlopsproj_monitoring.estimation.chance import Chance
from mlopsproj_monitoring.sample import NUMERIC_STATISTICS, Sample


def sample_of(probabilities, scores):
    rows = len(probabilities)
    return Sample(
        ids=[str(row) for row in range(rows)],
        probabilities=probabilities,
        embedding=np.zeros((rows, 1), np.float32),
        ood_score=scores.astype(np.float64),
        statistics={name: np.zeros(rows) for name in NUMERIC_STATISTICS},
        mode=["L"] * rows,
        labels=[None] * rows,
    )


def test_a_window_is_estimated_from_its_answers(draw_answers, make_perturbed):
    model = CorrectnessModel.fit(make_perturbed())
    assert model.learnt_from == "spoilt images"
    for far in (0.0, 2.0, 4.0):
        probabilities, scores, _, chance = draw_answers(3000, far=far, over=0.5 * far, seed=9)
        chances = model.probability(sample_of(probabilities, scores))
        assert chances.dtype == np.float64
        estimate = model.accuracy(chances.mean(), 3000)
        assert estimate.value == chances.mean()
        assert {type(each) for each in astuple(estimate)} == {float}  # as JSON takes them
        assert estimate.low < chance.mean() < estimate.high
        assert abs(estimate.value - chance.mean()) < 0.05


def test_the_interval_holds_for_windows_of_families_that_were_not_taught(
    draw_answers, make_perturbed
):
    """In 19 of 20, as far as the families that were taught tell."""
    answers = make_perturbed(500, spoilt={"fog": 0.5, "snow": 1.5, "jpeg": 0.8})
    families = np.array(answers.families)
    held = []
    for family in sorted(set(families) - {"none"}):
        model = CorrectnessModel.fit(answers.take(families != family))
        names = set(np.array(answers.corruptions)[families == family])
        for name in sorted(names):
            for severity in range(1, 6):
                rows = (np.array(answers.corruptions) == name) & (answers.severities == severity)
                window = answers.take(rows)
                chances = model.probability(sample_of(window.probabilities, window.ood_score))
                found = model.accuracy(float(chances.mean()), len(window))
                held.append(found.low <= window.correct.mean() <= found.high)
    assert len(held) == 25
    assert np.mean(held) >= 0.88


def test_what_is_seen_of_a_family_was_not_taught(make_perturbed, monkeypatch):
    """Its answers reach no fit by which it is judged, and it is not forgotten."""
    answers = make_perturbed(60)
    taught, fit = [], Chance.fit

    def watched(some):
        taught.append(set(some.families))
        return fit(some)

    monkeypatch.setattr(Chance, "fit", watched)
    CorrectnessModel.fit(answers)
    everything, *others = taught
    assert everything == set(answers.families)
    left_out = [everything - each for each in others]
    assert sorted(map(list, left_out)) == [[name] for name in sorted(everything - {"none"})]


def test_faults_of_a_family_that_is_unlike_others_show_in_the_interval(make_perturbed):
    """One that lies near, but of which the model is far too sure."""
    usual = make_perturbed(500)
    shifted = np.array(usual.families) == "placement"
    wrong = (usual.probabilities.argmax(axis=1) + 1) % 3
    labels = np.where(shifted, wrong, usual.labels)
    strange = Perturbed(**{**vars(usual), "labels": labels})
    widths = []
    for answers in (usual, strange):
        found = CorrectnessModel.fit(answers).accuracy(0.75, 1000)
        widths.append(found.high - found.low)
    assert widths[1] > 2 * widths[0]


@pytest.mark.parametrize("images", [20, 159])
def test_few_images_give_a_wide_interval_that_holds(draw_answers, make_perturbed, images):
    model = CorrectnessModel.fit(make_perturbed(images, classes=2))
    probabilities, scores, _, chance = draw_answers(2000, classes=2, seed=5)
    chances = model.probability(sample_of(probabilities, scores))
    found = model.accuracy(float(chances.mean()), 2000)
    assert found.low <= chance.mean() <= found.high
    assert found.high - found.low < 0.4


def test_answers_without_a_clean_one_are_refused(make_perturbed):
    answers = make_perturbed()
    with pytest.raises(DataError, match="None of these answers"):
        CorrectnessModel.fit(answers.take(np.array(answers.families) != "none"))


def test_a_bundle_is_learnt_from_as_its_answers_are(make_bundle, make_perturbed):
    answers = make_perturbed(classes=2)
    ours, read = CorrectnessModel.fit(answers), CorrectnessModel.read(make_bundle(answers))
    assert (ours.chance.coefficients == read.chance.coefficients).all()
    assert ours.uncertainty == read.uncertainty


def test_a_bundle_without_spoilt_images_is_calibrated_on_its_reference(make_bundle, draw_answers):
    model = CorrectnessModel.read(make_bundle(images=3000, over=1.0))
    assert model.learnt_from == "clean images"
    probabilities, scores, _, chance = draw_answers(3000, classes=2, over=1.0, seed=4)
    chances = model.probability(sample_of(probabilities, scores))
    assert chances.mean() == pytest.approx(chance.mean(), abs=0.03)
    assert probabilities.max(axis=1).mean() > chance.mean() + 0.05
    usual = model.accuracy(model.uncertainty.clean, 1000)
    assert usual.high - usual.low < 0.07
    # Of images that it was taught nothing of, little is known.
    fallen = model.accuracy(model.uncertainty.clean - 0.1, 1000)
    assert fallen.low < model.uncertainty.clean - 0.25


def test_a_file_that_is_none_or_of_another_model_is_refused(make_bundle, make_perturbed):
    bundle = make_bundle(make_perturbed(20, classes=3))
    with pytest.raises(BundleCorruptError, match="3 probabilities for each image, the manifest 2"):
        CorrectnessModel.read(bundle)
    (bundle.path / PERTURBED).write_bytes(b"nothing")
    with pytest.raises(BundleCorruptError, match="answers to spoilt images"):
        CorrectnessModel.read(Bundle.open(bundle.path))


def test_a_file_without_clean_images_is_refused(make_bundle, make_perturbed):
    answers = make_perturbed(20, classes=2)
    bundle = make_bundle(answers.take(np.array(answers.families) != "none"))
    with pytest.raises(BundleCorruptError, match="None of these answers"):
        CorrectnessModel.read(bundle)
