import numpy as np
import pytest
from mlopsproj_core import LabelledImages
from mlopsproj_core.bundle import PROBE
from mlopsproj_evaluation import Scores, Verdict
from mlopsproj_evaluation.gates import Absent
from mlopsproj_evaluation.gates.robustness import GATE
from small_bundle import CLASSES, SPEC


@pytest.fixture
def measured(make_side, make_scores, make_outcomes):
    """A side that is right under all corruptions for so many of so many images."""

    def make(right, images=1000, *, name="brightness:1", first=0, **changes):
        outcomes = make_outcomes(right, images, first=first, **changes)
        return make_side(make_scores(images, first=first), name=name, robustness=outcomes)

    return make


def test_the_first_version_passes_with_its_accuracy_or_without(
    contest, measured, make_side, make_scores
):
    for side, figure in ((measured(600), "0.6000"), (make_side(make_scores(9)), "not measured")):
        found = GATE.judge(contest(side))
        assert (found.verdict, found.figure) == (Verdict.passed, figure)


@pytest.mark.parametrize(
    ("right", "verdict"),
    [(600, Verdict.passed), (605, Verdict.passed), (500, Verdict.failed), (585, Verdict.undecided)],
)
def test_what_both_were_measured_on_is_compared(contest, measured, right, verdict):
    found = GATE.judge(contest(measured(right), measured(600)))
    assert found.verdict is verdict
    assert found.limit == "at least -2.00 points"
    assert found.figure.startswith(f"{(right - 600) / 10:+.2f} points (")
    assert f"{right / 1000:.4f} beside 0.6000, on 1,000 images" in found.detail
    assert ("images would decide" in found.detail) == (verdict is Verdict.undecided)


def test_the_limit_is_a_margin(contest, measured):
    sides = measured(500), measured(600)
    assert GATE.judge(contest(*sides, robustness_margin=0.2)).verdict is Verdict.passed


def test_images_that_either_was_trained_on_do_not_count(contest, measured, make_side, make_scores):
    champion = measured(600)
    seen = champion.scores.short_ids[:600]
    candidate = make_side(make_scores(1000), trained_on=seen, robustness=champion.robustness)
    found = GATE.judge(contest(candidate, champion))
    assert "on 400 images" in found.detail


def test_who_was_never_measured_is_named(contest, measured, make_side, make_scores):
    never = make_side(make_scores(1000), name="brightness:7")
    for sides in ((measured(600), never), (never, measured(600))):
        for find in (None, {}.get):
            found = GATE.judge(contest(*sides, find_test_images=find))
            assert found.verdict is Verdict.undecided
            assert found.detail.startswith("brightness:7 was never measured under corruptions")
            assert "--prepared-dir" in found.detail


def test_another_suite_is_not_compared(contest, measured):
    found = GATE.judge(contest(measured(600), measured(600, suite=99)))
    assert found.verdict is Verdict.undecided
    assert "brightness:1 was measured under other corruptions" in found.detail


def test_without_common_images_nothing_is_decided(contest, measured):
    found = GATE.judge(contest(measured(600), measured(600, first=5000)))
    assert found.verdict is Verdict.undecided
    assert found.detail.startswith("no common image was spoilt for both")


def test_other_classes_are_not_compared(contest, measured, with_manifest):
    champion = with_manifest(measured(600), classes=("bright", "dark"))
    found = GATE.judge(contest(measured(600), champion))
    assert found.verdict is Verdict.undecided
    assert "classes are others" in found.detail


def test_against_a_broken_champion_nothing_is_decided(contest, measured):
    found = GATE.judge(contest(measured(600), Absent("brightness:1", "damaged")))
    assert (found.verdict, found.figure) == (Verdict.undecided, "0.6000")


@pytest.fixture
def images():
    """Dark and bright, which every small bundle tells apart unless they are spoilt."""
    labels = np.arange(60) % 2
    pixels = np.broadcast_to(
        np.where(labels, 200, 40).astype(np.uint8)[:, None, None, None], (60, *SPEC.shape)
    )
    ids = tuple(f"{number:016x}{number:048x}" for number in range(60))
    return LabelledImages(ids, pixels, labels, CLASSES)


@pytest.mark.parametrize(
    "which", ["champion", "both", "neither met the same", "both met another suite"]
)
def test_where_the_images_are_here_what_is_missing_is_measured(
    contest, measured, make_side, make_scores, *, images, which
):
    """One graph on both sides, so that what is measured here is the same."""
    never = make_side(make_scores(60))
    if which == "neither met the same":
        champion = measured(60, 60, first=5000)
        candidate = never
    elif which == "both met another suite":
        champion = candidate = measured(60, 60, suite=0)
    else:
        champion = never
        candidate = never if which == "both" else measured(60, 60)
    found = GATE.judge(contest(candidate, champion, find_test_images={"f" * 64: images}.get))
    assert "on 60 images" in found.detail
    if which != "champion":
        assert found.figure.startswith("+0.00 points")


def test_a_champion_that_this_machine_computes_otherwise_is_undecided(
    contest, measured, make_side, make_scores, images
):
    champion = make_side(make_scores(60), name="brightness:1")
    (champion.bundle.path / PROBE).write_bytes(b"changed")
    found = GATE.judge(contest(measured(60, 60), champion, find_test_images={"f" * 64: images}.get))
    assert found.verdict is Verdict.undecided
    assert found.detail.startswith("brightness:1 cannot be measured here: ")


def test_a_champion_that_takes_no_such_images_is_undecided(
    contest, measured, make_side, make_scores, images
):
    """A prepared data set of another image size than the manifests say."""
    large = LabelledImages(
        images.ids, np.zeros((60, 32, 32, 1), np.uint8), images.labels, images.classes
    )
    champion = make_side(make_scores(60), name="brightness:1")
    found = GATE.judge(contest(measured(60, 60), champion, find_test_images=lambda _: large))
    assert found.verdict is Verdict.undecided
    assert found.detail.startswith("brightness:1 cannot be measured here: The graph takes uint8")


@pytest.fixture
def relabelled(make_side, make_scores, make_outcomes):
    """A side whose evaluation gave the first of 60 images another label."""
    scores = make_scores(60)
    labels = scores.labels.copy()
    labels[0] = 1 - labels[0]
    changed = Scores(scores.ids, labels, scores.probabilities)
    return make_side(changed, robustness=make_outcomes(60, 60))


def test_outcomes_under_other_labels_are_not_compared(contest, measured, relabelled):
    found = GATE.judge(contest(measured(60, 60, name="brightness:2"), relabelled))
    assert found.verdict is Verdict.undecided
    assert found.detail.startswith("labels were corrected since brightness:1 was measured")


def test_outcomes_under_other_labels_are_measured_again_where_the_images_are_here(
    contest, measured, relabelled, images
):
    candidate = measured(60, 60, name="brightness:2")
    found = GATE.judge(contest(candidate, relabelled, find_test_images={"f" * 64: images}.get))
    assert "1.0000 beside 0." in found.detail


def test_means_are_told_of_the_images_that_count(contest, measured, make_side, make_scores):
    """The champion has right what the candidate was trained on, and nothing else."""
    champion = measured(400)
    seen = champion.scores.short_ids[:400]
    candidate = make_side(make_scores(1000), trained_on=seen, robustness=measured(1000).robustness)
    found = GATE.judge(contest(candidate, champion))
    assert "1.0000 beside 0.0000, on 600 images" in found.detail


def test_fewer_than_nine_of_ten_common_images_decide_nothing(contest, measured):
    for first, verdict in ((50, Verdict.passed), (200, Verdict.undecided)):
        candidate = measured(1000, name="brightness:2", first=first)
        found = GATE.judge(contest(candidate, measured(1000)))
        assert found.verdict is verdict
        assert f"on {1000 - first} of its 1,000 test images" in found.detail


def test_the_same_graph_holds_out_as_well_however_few_the_images(
    contest, measured, make_side, make_scores, another_graph
):
    same, other = measured(3, 5), measured(3, 5)
    assert GATE.judge(contest(same, other)).verdict is Verdict.passed
    renamed = make_side(make_scores(5), graph=another_graph, robustness=same.robustness)
    assert GATE.judge(contest(renamed, other)).verdict is Verdict.undecided
