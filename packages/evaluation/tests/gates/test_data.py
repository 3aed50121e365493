import numpy as np
import pytest
from mlopsproj_core import LabelledImages
from mlopsproj_evaluation import Scores, Verdict
from mlopsproj_evaluation.gates.data import judge_data
from small_bundle import CLASSES, SPEC

SEEN = np.arange(100, 130, dtype=np.uint64)


def test_data_that_is_known_passes(make_side, make_scores, contest):
    found = judge_data(contest(make_side(make_scores(40), trained_on=SEEN)))
    assert (found.verdict, found.figure) == (Verdict.passed, "brightness ffffffffffff")
    assert found.detail == "40 test images, 30 trained or chosen on"


def test_training_and_validation_images_are_counted_together(make_side, make_scores, contest):
    counts = {"train": 20, "validation": 10, "test": 40}
    side = make_side(make_scores(40), trained_on=SEEN, counts=counts)
    assert judge_data(contest(side)).verdict is Verdict.passed


def split_of(scores):
    pixels = np.zeros((len(scores), *SPEC.shape), np.uint8)
    return LabelledImages(scores.ids, pixels, scores.labels, CLASSES)


@pytest.mark.parametrize(
    ("first", "images", "told"),
    [
        (0, 30, "0 images of its evaluation are none of the test split of its data set, and 10 of"),
        (20, 40, "20 images of its evaluation are none of the test split of its data set, and 20"),
        (0, 50, "10 images of its evaluation are none of the test split of its data set, and 0"),
    ],
)
def test_an_evaluation_of_other_images_than_the_test_split_fails(
    make_side, make_scores, contest, *, first, images, told
):
    side = make_side(make_scores(images, first=first))
    find = {"f" * 64: split_of(make_scores(40))}.get
    found = judge_data(contest(side, find_test_images=find))
    assert found.verdict is Verdict.failed
    assert found.detail.startswith(told)


def test_an_evaluation_under_other_labels_than_the_test_split_s_fails(
    make_side, make_scores, contest
):
    scores = make_scores(40)
    split = split_of(Scores(scores.ids, 1 - scores.labels, scores.probabilities))
    found = judge_data(contest(make_side(scores), find_test_images=lambda _: split))
    assert found.verdict is Verdict.failed
    assert found.detail.startswith("40 images of its evaluation have other labels")


@pytest.mark.parametrize(("there", "told"), [(True, "is here"), (False, "not on this machine")])
def test_whether_its_data_set_is_here_is_told(make_side, make_scores, there, told, contest):
    asked = []

    def find(fingerprint):
        asked.append(fingerprint)
        return split_of(make_scores(40)) if there else None

    found = judge_data(contest(make_side(make_scores(40)), find_test_images=find))
    assert found.verdict is Verdict.passed
    assert told in found.detail
    assert asked == ["f" * 64]


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        ({"train": 30, "test": 41}, "test images: the manifest counts 41 and the bundle holds 40"),
        ({"train": 30}, "test images: the manifest counts 0"),
        ({"train": 29, "test": 40}, "trained or chosen on: the manifest counts 29 and"),
        ({"train": 30, "validation": 1, "test": 40}, "the manifest counts 31"),
    ],
)
def test_counts_that_disagree_fail(make_side, make_scores, counts, told, contest):
    side = make_side(make_scores(40), trained_on=SEEN, counts=counts)
    found = judge_data(contest(side))
    assert found.verdict is Verdict.failed
    assert told in found.detail


@pytest.mark.parametrize("fingerprint", ["", "  "])
def test_data_without_a_fingerprint_fails(
    make_side, make_scores, fingerprint, contest, with_manifest
):
    side = make_side(make_scores(40))
    data = side.bundle.manifest.data.model_copy(update={"fingerprint": fingerprint})
    found = judge_data(contest(with_manifest(side, data=data)))
    assert found.verdict is Verdict.failed
    assert "no fingerprint" in found.detail


def test_test_images_that_were_trained_on_fail(make_side, make_scores, contest):
    side = make_side(make_scores(40), trained_on=np.arange(38, 70, dtype=np.uint64))
    found = judge_data(contest(side))
    assert found.verdict is Verdict.failed
    assert found.detail.startswith("2 of the 40 test images were trained or chosen on")
