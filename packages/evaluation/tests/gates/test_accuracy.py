import numpy as np
import pytest
from mlopsproj_evaluation import Scores, Verdict
from mlopsproj_evaluation.gates import Absent
from mlopsproj_evaluation.gates.accuracy import GATE


@pytest.fixture
def judge(make_side, make_scores, contest, another_graph):
    """The gate's answer for two models with so many mistakes among so many images."""

    def judge_(images, ours, theirs, **limits):
        candidate = make_side(make_scores(images, wrong=ours), graph=another_graph)
        champion = make_side(make_scores(images, wrong=theirs))
        return GATE.judge(contest(candidate, champion, **limits))

    return judge_


def test_the_first_version_passes_with_its_accuracy(make_side, make_scores, contest):
    found = GATE.judge(contest(make_side(make_scores(200, wrong=range(10)))))
    assert (found.verdict, found.figure) == (Verdict.passed, "0.9500")


def test_a_better_candidate_passes_and_says_by_how_much(judge):
    found = judge(2000, range(100), range(200))
    assert found.verdict is Verdict.passed
    assert found.figure.startswith("+5.00 points (+4.")
    assert found.limit == "at least -0.50 points"
    assert found.detail == (
        "on 2,000 images, 100 right only by the candidate and 0 only by the champion"
    )


def test_a_worse_candidate_fails(judge):
    found = judge(2000, range(200), range(100))
    assert found.verdict is Verdict.failed
    assert found.figure.startswith("-5.00 points")


def test_a_wider_margin_lets_it_pass(judge):
    found = judge(2000, range(200), range(100), margin=0.1)
    assert (found.verdict, found.limit) == (Verdict.passed, "at least -10.00 points")


def test_too_few_images_are_undecided_and_say_how_many_would_do(judge):
    found = judge(200, range(5, 10), range(5))
    assert found.verdict is Verdict.undecided
    assert "images would decide" in found.detail


def test_on_the_margin_no_number_of_images_is_named(judge):
    found = judge(1000, range(5), ())
    assert found.verdict is Verdict.undecided
    assert found.detail.endswith("the difference lies on the margin itself")


def test_no_margin_is_a_limit_of_0(judge):
    found = judge(100, (), (), margin=0)
    assert (found.verdict, found.limit) == (Verdict.undecided, "at least +0.00 points")


def test_what_the_champion_was_trained_on_does_not_speak_for_it(make_side, make_scores, contest):
    """It is right on the 1,000 images that it has seen, and on no other."""
    theirs = make_scores(2000, wrong=range(1000, 2000))
    champion = make_side(theirs, trained_on=theirs.short_ids[:1000])
    candidate = make_side(make_scores(2000, wrong=range(1000)))
    found = GATE.judge(contest(candidate, champion))
    assert found.verdict is Verdict.passed
    assert found.figure.startswith("+100.00 points")
    assert "on 1,000 images (1,000 left out, since one of both was trained on them)" in found.detail


def test_what_the_candidate_was_trained_on_does_not_speak_for_it(make_side, make_scores, contest):
    ours = make_scores(2000, wrong=range(1000, 2000))
    candidate = make_side(ours, trained_on=ours.short_ids[:1000])
    champion = make_side(make_scores(2000, wrong=range(1000)))
    found = GATE.judge(contest(candidate, champion))
    assert found.verdict is Verdict.failed
    assert found.figure.startswith("-100.00 points")


def test_where_both_have_seen_everything_nothing_is_decided(make_side, make_scores, contest):
    ours = make_scores(1000)
    champion = make_side(make_scores(1000, wrong=range(500)), trained_on=ours.short_ids)
    found = GATE.judge(contest(make_side(ours), champion))
    assert found.verdict is Verdict.undecided
    assert "no common test image counts (1,000 left out" in found.detail


def test_without_common_images_nothing_is_decided(make_side, make_scores, contest):
    champion = make_side(make_scores(1000, wrong=range(500)))
    candidate = make_side(make_scores(1000, first=1000))
    found = GATE.judge(contest(candidate, champion, margin=0.9))
    assert (found.verdict, found.figure) == (Verdict.undecided, "1.0000")
    assert found.detail.startswith("no test image is common to both")


def test_without_any_image_nothing_is_decided(make_side, make_scores, contest):
    candidate = make_side(make_scores(0))
    for champion in (None, make_side(make_scores(10))):
        found = GATE.judge(contest(candidate, champion))
        assert (found.verdict, found.figure) == (Verdict.undecided, "none")


def test_other_classes_are_undecided(make_side, make_scores, contest, with_manifest):
    champion = make_side(make_scores(1000, wrong=range(500)))
    champion = with_manifest(champion, classes=("bright", "dark"))
    found = GATE.judge(contest(make_side(make_scores(1000)), champion))
    assert (found.verdict, found.figure) == (Verdict.undecided, "1.0000")
    assert "the classes are others" in found.detail


def test_a_champion_that_cannot_be_judged_is_neither_beaten_nor_worse(
    make_side, make_scores, contest
):
    found = GATE.judge(contest(make_side(make_scores(1000)), Absent("brightness:1", "damaged")))
    assert found.verdict is Verdict.undecided
    assert found.detail == "brightness:1 cannot be judged: damaged"


def test_a_label_that_was_corrected_since_counts_for_both(make_side, make_scores, contest):
    ours = make_scores(1000)
    labels = ours.labels.copy()
    labels[:20] = 1 - labels[:20]
    candidate = make_side(Scores(ours.ids, labels, np.eye(2, dtype=np.float32)[labels]))
    found = GATE.judge(contest(candidate, make_side(ours)))
    assert found.figure.startswith("+2.00 points")


@pytest.mark.parametrize(
    ("first", "verdict"), [(0, Verdict.passed), (100, Verdict.passed), (101, Verdict.undecided)]
)
def test_the_champion_must_have_been_judged_on_nine_of_ten_images(
    make_side, make_scores, contest, first, verdict
):
    candidate = make_side(make_scores(1000, first=first), name="brightness:2")
    champion = make_side(make_scores(1000, wrong=range(500)))
    found = GATE.judge(contest(candidate, champion))
    assert found.verdict is verdict
    if first:
        assert f"on {1000 - first} of its 1,000 test images" in found.detail
    if verdict is Verdict.undecided:
        assert "fewer than 90%: prepare the candidate's data set here" in found.detail


def test_images_that_do_not_count_are_not_missed(make_side, make_scores, contest):
    """Half of them were trained on by the champion, which was judged on the others only."""
    scores = make_scores(1000)
    champion = make_side(make_scores(500, first=500), trained_on=scores.short_ids[:500])
    assert GATE.judge(contest(make_side(scores), champion)).verdict is Verdict.passed
