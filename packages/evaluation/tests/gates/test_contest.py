import numpy as np
import pytest
from mlopsproj_core.bundle import EVALUATION, ROBUSTNESS, TRAINING_IDS
from mlopsproj_core.errors import BundleCorruptError
from mlopsproj_evaluation.gates import Side, training_ids
from small_bundle import make_small_bundle


def test_a_side_is_what_its_bundle_was_judged_and_trained_on(make_bundle, make_scores):
    scores, ids = make_scores(10, wrong=[3]), np.array([7, 5], dtype=np.uint64)
    side = Side.of(make_bundle(scores, trained_on=ids))
    assert side.name == "brightness"
    assert (side.scores.ids, side.trained_on.tolist()) == (scores.ids, [5, 7])
    assert side.robustness is None


def test_scores_of_other_images_take_the_place_of_its_own(make_bundle, make_scores):
    again = make_scores(30, first=100)
    side = Side.of(make_bundle(make_scores(10)), name="brightness:3", scores=again)
    assert (side.name, side.scores) == ("brightness:3", again)


def test_pairs_are_less_what_either_was_trained_on(make_side, make_scores):
    scores = make_scores(20)
    ours = make_side(scores, trained_on=scores.short_ids[:3])
    theirs = make_side(make_scores(20), trained_on=scores.short_ids[2:6])
    pairs = ours.pairs_with(theirs)
    assert (len(pairs), pairs.excluded) == (14, 6)
    assert ours.seen_with(theirs).tolist() == sorted(scores.short_ids[:6])


def test_an_evaluation_that_cannot_be_read_is_told(tmp_path):
    broken = make_small_bundle(tmp_path / "broken")
    with pytest.raises(BundleCorruptError, match=r"broken.*holds no evaluation"):
        Side.of(broken)


def test_an_evaluation_of_other_classes_than_the_manifest_s_is_told(make_bundle, make_scores):
    with pytest.raises(BundleCorruptError, match="tells 3 classes apart and the manifest names 2"):
        Side.of(make_bundle(make_scores(9, classes=3)))


def test_a_robustness_that_cannot_be_read_is_told(tmp_path, make_scores):
    def fill(folder):
        make_scores(3).write(folder / EVALUATION)
        np.save(folder / TRAINING_IDS, np.array([], np.uint64))
        (folder / ROBUSTNESS).write_bytes(b"none")

    with pytest.raises(BundleCorruptError, match="holds no robustness"):
        Side.of(make_small_bundle(tmp_path / "bundle", fill=fill))


def saved(array):
    return lambda path: np.save(path, array, allow_pickle=True)


BAD_IDS = {
    "empty": lambda path: path.write_bytes(b""),
    "no array": lambda path: path.write_bytes(b"0" * 100),
    "a pickle": saved(np.array([{}], dtype=object)),
    "floats": saved(np.array([1.0])),
    "signed": saved(np.array([1], dtype=np.int64)),
    "a matrix": saved(np.array([[1]], dtype=np.uint64)),
    "an archive": lambda path: path.write_bytes(b"PK\x03\x04 and so on"),
    "cut off": lambda path: (
        np.save(path, np.arange(100, dtype=np.uint64)),
        path.write_bytes(path.read_bytes()[:200]),
    ),
    "a huge claim": lambda path: path.write_bytes(
        b"\x93NUMPY\x01\x00\x76\x00"
        + str({"descr": "<u8", "fortran_order": False, "shape": (1 << 60,)}).encode().ljust(118)
    ),
    "missing": lambda path: path.unlink(),
}


@pytest.mark.parametrize("harm", BAD_IDS.values(), ids=BAD_IDS)
def test_training_ids_that_cannot_be_read_are_told(make_bundle, make_scores, harm):
    harmed = make_bundle(make_scores(10))
    harm(harmed.path / TRAINING_IDS)
    with pytest.raises(BundleCorruptError, match="fetch or publish the bundle again"):
        training_ids(harmed)
    with pytest.raises(BundleCorruptError, match=TRAINING_IDS):
        Side.of(harmed)


def test_training_ids_are_read(make_bundle, make_scores):
    ids = np.array([3, 2**64 - 1], dtype=np.uint64)
    assert (training_ids(make_bundle(make_scores(1), trained_on=ids)) == ids).all()
