import numpy as np
import pytest
from mlopsproj_core.manifest import Parity
from mlopsproj_evaluation import Verdict
from mlopsproj_evaluation.gates import Absent
from mlopsproj_evaluation.gates.parity import judge_parity

PARENT = "brightness:1"
PARITY = Parity(reference="torch", images=2000, disagreements=0, max_difference=3e-6)
COMPRESSED = Parity(reference=PARENT, images=2000, disagreements=40, max_difference=0.3)


@pytest.mark.parametrize(
    ("parity", "verdict", "figure"),
    [
        (None, Verdict.failed, "none"),
        (PARITY.model_copy(update={"images": 0}), Verdict.failed, "0 of 0"),
        (PARITY.model_copy(update={"images": 1999}), Verdict.failed, "0 of 1,999"),
        (PARITY.model_copy(update={"images": -1}), Verdict.failed, "0 of -1"),
        (PARITY.model_copy(update={"disagreements": -3}), Verdict.failed, "-3 of 2,000"),
        (PARITY.model_copy(update={"max_difference": -1.0}), Verdict.failed, "0 of 2,000"),
        (PARITY.model_copy(update={"disagreements": 3}), Verdict.failed, "3 of 2,000"),
        (PARITY.model_copy(update={"max_difference": 2e-4}), Verdict.failed, "0 of 2,000"),
        (PARITY.model_copy(update={"max_difference": np.nan}), Verdict.failed, "0 of 2,000"),
        (PARITY.model_copy(update={"max_difference": 1e-4}), Verdict.passed, "0 of 2,000"),
    ],
)
def test_an_exported_graph_must_have_been_held_against_its_network(
    contest, make_side, make_scores, with_manifest, *, parity, verdict, figure
):
    found = judge_parity(contest(with_manifest(make_side(make_scores(2000)), parity=parity)))
    assert (found.verdict, found.figure) == (verdict, figure)
    assert found.limit == "recorded, 0 other classes, within 0.0001 of torch"


@pytest.mark.parametrize("images", [0, 1999])
def test_a_compressed_one_must_have_been_held_against_its_parent_on_all_images(
    contest, compressed, make_side, make_scores, with_manifest, *, images
):
    parity = COMPRESSED.model_copy(update={"images": images})
    side = with_manifest(compressed(), parity=parity)
    found = judge_parity(contest(side, parent=make_side(make_scores(2000), name=PARENT)))
    assert found.verdict is Verdict.failed
    assert f"on {images:,} images, and its evaluation has 2,000" in found.detail


@pytest.mark.parametrize(("wrong", "verdict"), [((), "pass"), (range(200), "fail")])
def test_one_with_a_parent_is_held_against_it_though_it_agrees_with_its_network(
    contest, make_side, make_scores, wrong, verdict
):
    """Else a manifest that names the network as well would escape the comparison."""
    parent = make_side(make_scores(2000), name=PARENT)
    side = make_side(make_scores(2000, wrong=wrong), name="brightness:2", parent=PARENT)
    found = judge_parity(contest(side, parent=parent))
    assert found.verdict.value == verdict
    assert found.limit.endswith("within 0.0001 of torch, at least -0.50 points to brightness:1")


@pytest.fixture
def compressed(make_side, make_scores):
    def make(wrong=(), images=2000, **settings):
        scores = make_scores(images, wrong=wrong, **settings)
        return make_side(scores, name="brightness:2", parity=COMPRESSED, parent=PARENT)

    return make


@pytest.mark.parametrize(
    ("wrong", "verdict"),
    [
        (range(100), Verdict.passed),
        (range(4, 104), Verdict.passed),
        (range(200), Verdict.failed),
        (range(60, 168), Verdict.undecided),
    ],
)
def test_a_compressed_one_may_say_otherwise_but_not_be_worse_than_its_parent(
    contest, make_side, make_scores, compressed, *, wrong, verdict
):
    parent = make_side(make_scores(2000, wrong=range(100)), name=PARENT)
    found = judge_parity(contest(compressed(wrong), parent=parent))
    assert found.verdict is verdict
    assert found.limit == "at least -0.50 points to brightness:1"
    assert f"{(100 - len(wrong)) / 20:+.2f} points" in found.figure
    assert "only by the parent" in found.detail
    assert ("images would decide" in found.detail) == (verdict is Verdict.undecided)


def test_the_margin_is_that_of_accuracy(make_side, make_scores, compressed, contest):
    parent = make_side(make_scores(2000, wrong=range(100)), name=PARENT)
    found = judge_parity(contest(compressed(range(200)), parent=parent, margin=0.1))
    assert found.verdict is Verdict.passed


@pytest.mark.parametrize(
    ("parent", "told"),
    [
        (Absent(PARENT, "it is gone"), "brightness:1 cannot be judged: it is gone"),
        (None, "it was not looked for"),
    ],
)
def test_a_parent_that_cannot_be_judged_leaves_it_undecided(compressed, parent, told, contest):
    found = judge_parity(contest(compressed(), parent=parent))
    assert (found.verdict, found.figure) == (Verdict.undecided, "40 of 2,000 other classes")
    assert told in found.detail


def test_a_parent_that_was_tested_on_other_images_leaves_it_undecided(
    make_side, make_scores, compressed, contest
):
    parent = make_side(make_scores(2000, first=5000), name=PARENT)
    found = judge_parity(contest(compressed(), parent=parent))
    assert found.verdict is Verdict.undecided
    assert "so that brightness:1 is scored on it" in found.detail


def test_one_that_was_held_against_something_else_than_its_parent_fails(
    make_side, make_scores, compressed, contest, with_manifest
):
    parent = make_side(make_scores(2000), name=PARENT)
    for other in ("brightness:7", None):
        side = with_manifest(compressed(), parent=other)
        found = judge_parity(contest(side, parent=parent))
        assert found.verdict is Verdict.failed
        assert f"made from {other or 'nothing'}" in found.detail


def test_a_parent_of_other_classes_is_none(
    make_side, make_scores, compressed, contest, with_manifest
):
    parent = with_manifest(make_side(make_scores(2000), name=PARENT), classes=("bright", "dark"))
    found = judge_parity(contest(compressed(), parent=parent))
    assert found.verdict is Verdict.failed
    assert "classes are others" in found.detail
