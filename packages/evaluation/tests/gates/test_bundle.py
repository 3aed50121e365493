import pytest
from mlopsproj_core.bundle import EVALUATION, MODEL, TRAINING_IDS
from mlopsproj_evaluation import Verdict
from mlopsproj_evaluation.gates import judge_bundle
from small_bundle import make_small_bundle


def test_a_whole_bundle_passes_and_is_read(make_bundle, make_scores):
    bundle = make_bundle(make_scores(20))
    found, side = judge_bundle(bundle, "brightness:4")
    assert (found.verdict, found.figure) == (
        Verdict.passed,
        f"{len(bundle.manifest.files)} files",
    )
    assert (side.name, len(side.scores)) == ("brightness:4", 20)


@pytest.mark.parametrize("file", [MODEL, EVALUATION, TRAINING_IDS])
@pytest.mark.parametrize("harm", ["changed", "missing"])
def test_one_that_is_not_whole_fails(make_bundle, make_scores, file, harm):
    bundle = make_bundle(make_scores(20))
    if harm == "changed":
        (bundle.path / file).write_bytes(b"something else")
    else:
        (bundle.path / file).unlink()
    found, side = judge_bundle(bundle)
    assert (found.verdict, side) == (Verdict.failed, None)
    assert file in found.detail


def test_a_whole_one_that_cannot_answer_fails(tmp_path):
    bundle = make_small_bundle(
        tmp_path / "bundle", fill=lambda folder: (folder / MODEL).write_bytes(b"no graph")
    )
    bundle.verify()
    found, side = judge_bundle(bundle)
    assert (found.verdict, side) == (Verdict.failed, None)
    assert "cannot be loaded" in found.detail


def test_a_whole_one_whose_evaluation_says_nothing_fails(tmp_path):
    found, side = judge_bundle(make_small_bundle(tmp_path / "bundle"))
    assert (found.verdict, side) == (Verdict.failed, None)
    assert "holds no evaluation" in found.detail
