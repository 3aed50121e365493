import pytest
from mlopsproj_evaluation import Verdict
from mlopsproj_evaluation.gates.classes import GATE

# Images with even numbers are dark, the others bright.
DARK, BRIGHT = range(0, 2000, 2), range(1, 2000, 2)


@pytest.fixture
def judge(make_side, make_scores, contest, another_graph):
    def judge_(images, ours, theirs, **limits):
        candidate = make_side(make_scores(images, wrong=ours), graph=another_graph)
        champion = make_side(make_scores(images, wrong=theirs))
        return GATE.judge(contest(candidate, champion, **limits))

    return judge_


def test_the_first_version_passes_and_names_its_worst_class(make_side, make_scores, contest):
    found = GATE.judge(contest(make_side(make_scores(200, wrong=BRIGHT[:10]))))
    assert (found.verdict, found.figure) == (Verdict.passed, "bright 0.9000")


def test_one_as_good_in_every_class_passes(judge):
    found = judge(1000, BRIGHT[:50], BRIGHT[10:60])
    assert (found.verdict, found.limit) == (Verdict.passed, "each at least -10.00 points")
    assert found.figure.startswith("bright +0.00 points")
    assert found.detail == "bright may have fallen most, of 2 classes"


def test_a_class_that_falls_fails_though_another_rises(judge):
    """Accuracy is the same."""
    found = judge(1000, BRIGHT[:150], DARK[:150])
    assert found.verdict is Verdict.failed
    assert found.figure.startswith("bright -30.00 points")
    assert found.detail == (
        "on 500 images of bright, 150 right only by the champion and 0 only by the candidate"
    )


def test_the_limit_is_a_margin(judge):
    found = judge(1000, BRIGHT[:150], DARK[:150], class_margin=0.4)
    assert (found.verdict, found.limit) == (Verdict.passed, "each at least -40.00 points")


def test_a_rare_class_is_undecided_and_says_how_many_images_it_has(judge):
    found = judge(40, (), ())
    assert found.verdict is Verdict.undecided
    assert "has 20 common test images: about" in found.detail
    assert "images would decide; as well" in found.detail


def test_several_classes_that_fall_are_named(make_side, make_scores, contest):
    ours, theirs = make_scores(1000, wrong=range(500)), make_scores(1000)
    found = GATE.judge(contest(make_side(ours), make_side(theirs)))
    assert found.verdict is Verdict.failed
    assert found.detail.endswith("; as well bright")


def test_a_class_without_any_test_image_is_undecided(
    make_side, make_scores, contest, another_graph
):
    scores = make_scores(1, wrong=())
    for more in range(1, 300):
        assert make_scores(1, first=2 * more).labels[0] == 0
    ids = tuple(i for more in range(300) for i in make_scores(1, first=2 * more).ids)
    only_dark = type(scores)(ids, scores.labels.repeat(300), scores.probabilities.repeat(300, 0))
    candidate = make_side(only_dark, graph=another_graph)
    found = GATE.judge(contest(candidate, make_side(only_dark)))
    assert found.verdict is Verdict.undecided
    assert found.detail == "bright has no common test image"
