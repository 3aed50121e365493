import pytest
from mlopsproj_evaluation import Verdict
from mlopsproj_evaluation.gates.calibration import GATE
from small_bundle import GRAPH


@pytest.fixture
def judge(make_side, make_scores, contest, another_graph):
    """Both are right on 90 of 100 images, as sure as is said."""

    def judge_(images, ours, theirs, **limits):
        wrong = range(0, images, 10)
        candidate, champion = (
            make_side(make_scores(images, wrong=wrong, probability=p), graph=graph)
            for p, graph in ((ours, another_graph), (theirs, GRAPH))
        )
        return GATE.judge(contest(candidate, champion, **limits))

    return judge_


def test_the_first_version_passes_with_its_error(make_side, make_scores, contest):
    side = make_side(make_scores(200, wrong=range(20), probability=0.95))
    found = GATE.judge(contest(side))
    assert (found.verdict, found.figure) == (Verdict.passed, "0.0500")


def test_one_that_is_as_well_calibrated_passes(judge):
    found = judge(1000, 0.91, 0.9)
    assert (found.verdict, found.limit) == (Verdict.passed, "at most +0.020")
    assert found.detail == "expected calibration error 0.0100 beside 0.0000 on 1,000 images"


def test_one_that_is_too_sure_fails(judge):
    found = judge(1000, 0.999, 0.93)
    assert found.verdict is Verdict.failed
    assert found.figure.startswith("+0.0690 (")


def test_a_wider_limit_lets_it_pass(judge):
    assert judge(1000, 0.999, 0.93, calibration_margin=0.1).verdict is Verdict.passed


def test_near_the_limit_more_images_are_wanted(make_side, make_scores, contest):
    candidate = make_side(make_scores(300, wrong=range(0, 300, 8)))
    champion = make_side(make_scores(300, wrong=range(0, 300, 10)))
    found = GATE.judge(contest(candidate, champion))
    assert found.verdict is Verdict.undecided
    assert found.detail.endswith("more images would decide")


def test_a_few_images_tell_nothing(judge):
    found = judge(90, 0.9, 0.9)
    assert found.verdict is Verdict.undecided
    assert found.detail.endswith("fewer than 100 tell nothing")
