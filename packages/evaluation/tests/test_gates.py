import json

import numpy as np
import pytest
from mlopsproj_core import LabelledImages, Predictor
from mlopsproj_core.bundle import EVALUATION, MODEL, TRAINING_IDS, Bundle
from mlopsproj_core.errors import BundleCorruptError, ConfigError
from mlopsproj_core.manifest import Parity
from mlopsproj_evaluation import GateResult, Scores, Verdict, judge, overall, score
from mlopsproj_evaluation.gates import needs_new_scores, training_ids
from small_bundle import CLASSES, SPEC, make_small_bundle

PARITY = Parity(reference="torch", images=2000, disagreements=0, max_difference=3e-6)
NOTHING = np.array([], dtype=np.uint64)


@pytest.fixture
def make_bundle(tmp_path):
    """Seals bundles that differ in what they said of which images, and in what they saw."""
    made = []

    def make(scores, *, trained_on=NOTHING, parity=PARITY):
        def fill(folder):
            scores.write(folder / EVALUATION)
            np.save(folder / TRAINING_IDS, np.sort(trained_on), allow_pickle=False)

        made.append(
            make_small_bundle(tmp_path / f"bundle {len(made)}", parity=parity, fill=fill),
        )
        return made[-1]

    return make


def gate(results, name):
    return next(result for result in results if result.name == name)


def with_classes(bundle, *classes):
    return Bundle(bundle.path, bundle.manifest.model_copy(update={"classes": classes}))


def test_the_first_version_passes_every_gate(make_bundle, make_scores):
    candidate = make_bundle(make_scores(200, wrong=range(10)))
    results = judge(candidate, None)
    assert [(r.name, r.verdict) for r in results] == [
        ("bundle", Verdict.passed),
        ("parity", Verdict.passed),
        ("accuracy", Verdict.passed),
    ]
    assert gate(results, "bundle").figure == f"{len(candidate.manifest.files)} files"
    assert gate(results, "parity").figure == "0 of 2,000"
    assert gate(results, "accuracy").figure == "0.9500"
    assert overall(results) is Verdict.passed


@pytest.mark.parametrize("harm", ["changed", "missing"])
def test_a_bundle_that_is_not_whole_fails_and_its_accuracy_is_not_asked(
    make_bundle, make_scores, harm
):
    candidate = make_bundle(make_scores(200))
    if harm == "changed":
        (candidate.path / MODEL).write_bytes(b"another graph")
    else:
        (candidate.path / MODEL).unlink()
    results = judge(candidate, None)
    assert [result.name for result in results] == ["bundle", "parity"]
    assert gate(results, "bundle").verdict is Verdict.failed
    assert MODEL in gate(results, "bundle").detail
    assert overall(results) is Verdict.failed


def test_a_whole_bundle_that_cannot_answer_fails(tmp_path):
    candidate = make_small_bundle(
        tmp_path / "bundle",
        parity=PARITY,
        fill=lambda folder: (folder / MODEL).write_bytes(b"no graph"),
    )
    candidate.verify()
    found = gate(judge(candidate, None), "bundle")
    assert found.verdict is Verdict.failed
    assert "cannot be loaded" in found.detail


@pytest.mark.parametrize(
    ("parity", "verdict", "figure"),
    [
        (None, Verdict.failed, "none"),
        (PARITY.model_copy(update={"images": 0}), Verdict.failed, "none"),
        (PARITY.model_copy(update={"disagreements": 3}), Verdict.failed, "3 of 2,000"),
        (PARITY.model_copy(update={"max_difference": 2e-4}), Verdict.failed, "0 of 2,000"),
        (PARITY.model_copy(update={"max_difference": np.nan}), Verdict.failed, "0 of 2,000"),
        (PARITY.model_copy(update={"max_difference": 1e-4}), Verdict.passed, "0 of 2,000"),
        (
            Parity(reference="shirts:3", images=5, disagreements=0, max_difference=0.1),
            Verdict.passed,
            "0 of 5",
        ),
    ],
)
def test_parity_must_be_recorded_and_close(make_bundle, make_scores, parity, verdict, figure):
    bundle = make_bundle(make_scores(20))
    recorded = Bundle(bundle.path, bundle.manifest.model_copy(update={"parity": parity}))
    found = gate(judge(recorded, None), "parity")
    assert (found.verdict, found.figure) == (verdict, figure)


def test_a_better_candidate_passes_and_says_by_how_much(make_bundle, make_scores):
    champion = make_bundle(make_scores(2000, wrong=range(200)))
    found = gate(judge(make_bundle(make_scores(2000, wrong=range(100))), champion), "accuracy")
    assert found.verdict is Verdict.passed
    assert found.figure.startswith("+5.00 points (+4.")
    assert found.limit == "at least -0.50 points"
    assert found.detail == (
        "on 2,000 images, 100 right only by the candidate and 0 only by the champion"
    )


def test_a_worse_candidate_fails(make_bundle, make_scores):
    champion = make_bundle(make_scores(2000, wrong=range(100)))
    results = judge(make_bundle(make_scores(2000, wrong=range(200))), champion)
    assert gate(results, "accuracy").verdict is Verdict.failed
    assert gate(results, "accuracy").figure.startswith("-5.00 points")
    assert overall(results) is Verdict.failed


def test_a_wider_margin_lets_it_pass(make_bundle, make_scores):
    champion = make_bundle(make_scores(2000, wrong=range(100)))
    results = judge(make_bundle(make_scores(2000, wrong=range(200))), champion, margin=0.1)
    assert gate(results, "accuracy").verdict is Verdict.passed
    assert gate(results, "accuracy").limit == "at least -10.00 points"


def test_too_few_images_are_undecided_and_say_how_many_would_do(make_bundle, make_scores):
    champion = make_bundle(make_scores(200, wrong=range(5)))
    results = judge(make_bundle(make_scores(200, wrong=range(5, 10))), champion)
    found = gate(results, "accuracy")
    assert found.verdict is Verdict.undecided
    assert "images would decide" in found.detail
    assert overall(results) is Verdict.undecided


def test_on_the_margin_no_number_of_images_is_named(make_bundle, make_scores):
    champion = make_bundle(make_scores(1000))
    found = gate(judge(make_bundle(make_scores(1000, wrong=range(5))), champion), "accuracy")
    assert found.verdict is Verdict.undecided
    assert found.detail.endswith("the difference lies on the margin itself")


def test_no_margin_is_a_limit_of_0(make_bundle, make_scores):
    champion = make_bundle(make_scores(100))
    found = gate(judge(make_bundle(make_scores(100)), champion, margin=0), "accuracy")
    assert found.limit == "at least +0.00 points"
    assert found.verdict is Verdict.undecided


@pytest.mark.parametrize("margin", [1.0, -0.1, float("nan")])
def test_a_margin_that_cannot_be_used_is_refused(make_bundle, make_scores, margin):
    champion = make_bundle(make_scores(100))
    with pytest.raises(ConfigError, match="margin"):
        judge(make_bundle(make_scores(100)), champion, margin=margin)


def test_what_the_champion_was_trained_on_does_not_speak_for_it(make_bundle, make_scores):
    """It is right on the 1,000 images that it has seen, and on no other."""
    theirs = make_scores(2000, wrong=range(1000, 2000))
    champion = make_bundle(theirs, trained_on=theirs.short_ids[:1000])
    candidate = make_bundle(make_scores(2000, wrong=range(1000)))
    found = gate(judge(candidate, champion), "accuracy")
    assert found.verdict is Verdict.passed
    assert found.figure.startswith("+100.00 points")
    assert "on 1,000 images (1,000 left out, since one of both was trained on them)" in found.detail


def test_what_the_candidate_was_trained_on_does_not_speak_for_it(make_bundle, make_scores):
    ours = make_scores(2000, wrong=range(1000, 2000))
    candidate = make_bundle(ours, trained_on=ours.short_ids[:1000])
    champion = make_bundle(make_scores(2000, wrong=range(1000)))
    found = gate(judge(candidate, champion), "accuracy")
    assert found.verdict is Verdict.failed
    assert found.figure.startswith("-100.00 points")


def test_where_both_have_seen_everything_nothing_is_decided(make_bundle, make_scores):
    ours = make_scores(1000)
    champion = make_bundle(make_scores(1000, wrong=range(500)), trained_on=ours.short_ids)
    results = judge(make_bundle(ours), champion)
    assert gate(results, "accuracy").verdict is Verdict.undecided
    assert "no common test image counts (1,000 left out" in gate(results, "accuracy").detail
    assert overall(results) is Verdict.undecided


def test_without_common_images_nothing_is_decided(make_bundle, make_scores):
    champion = make_bundle(make_scores(1000, wrong=range(500)))
    results = judge(make_bundle(make_scores(1000, first=1000)), champion, margin=0.9)
    assert gate(results, "accuracy").verdict is Verdict.undecided
    assert gate(results, "accuracy").detail == (
        "no test image is common to both: score the champion on the candidate's test images"
    )
    assert overall(results) is Verdict.undecided


def test_without_any_image_nothing_is_decided(make_bundle, make_scores):
    candidate = make_bundle(make_scores(0))
    for champion in (None, make_bundle(make_scores(10))):
        found = gate(judge(candidate, champion), "accuracy")
        assert (found.verdict, found.figure) == (Verdict.undecided, "none")


def test_other_classes_are_undecided(make_bundle, make_scores):
    champion = with_classes(make_bundle(make_scores(1000, wrong=range(500))), "bright", "dark")
    found = gate(judge(make_bundle(make_scores(1000)), champion), "accuracy")
    assert (found.verdict, found.figure) == (Verdict.undecided, "1.0000")
    assert "the classes are others" in found.detail


def test_a_label_that_was_corrected_since_counts_for_both(make_bundle, make_scores):
    ours = make_scores(1000)
    labels = ours.labels.copy()
    labels[:20] = 1 - labels[:20]
    candidate = make_bundle(Scores(ours.ids, labels, np.eye(2, dtype=np.float32)[labels]))
    found = gate(judge(candidate, make_bundle(ours)), "accuracy")
    assert found.figure.startswith("+2.00 points")


@pytest.mark.parametrize(
    ("ours", "theirs", "needed"),
    [((0, 10), (0, 10), False), ((3, 5), (0, 10), False), ((5, 10), (0, 10), True)],
)
def test_new_scores_are_needed_where_the_champion_did_not_judge_every_image(
    make_bundle, make_scores, ours, theirs, needed
):
    candidate, champion = (
        make_bundle(make_scores(count, first=first)) for first, count in (ours, theirs)
    )
    assert needs_new_scores(candidate, champion) is needed


def grey_images(numbers):
    """Image n has brightness n, and is called bright from 120 on: the graph says from 128 on."""
    numbers = np.asarray(numbers)
    images = np.broadcast_to(numbers[:, None, None, None], (len(numbers), *SPEC.shape))
    ids = tuple(f"{n:016x}{n:048x}" for n in numbers)
    labels = (numbers >= 120).astype(np.int64)
    return LabelledImages(ids, images.astype(np.uint8), labels, CLASSES)


def test_after_retraining_the_champion_is_scored_again_less_what_it_was_trained_on(make_bundle):
    """The graphs are one and the same, so that only the images can tell the two apart."""
    old_test, new_test = grey_images(range(40, 80)), grey_images(range(60, 256))
    predictor = Predictor(make_bundle(score_alone(old_test), trained_on=ids_of(range(120, 124))))
    champion = predictor.bundle
    candidate = make_bundle(score(predictor.run, new_test)[0], trained_on=ids_of(range(40)))
    assert needs_new_scores(candidate, champion)

    again, _ = score(predictor.run, new_test)
    assert np.flatnonzero(~again.correct).tolist() == list(range(60, 68))  # images 120 to 127
    found = gate(judge(candidate, champion, champion_scores=again), "accuracy")
    assert found.verdict is Verdict.undecided
    assert found.detail.startswith("on 192 images (4 left out")
    assert "0 right only by the candidate and 0 only by the champion" in found.detail

    stale = gate(judge(candidate, champion), "accuracy")
    assert stale.detail.startswith("on 20 images,")


def score_alone(images):
    """As a graph without mistakes."""
    return Scores(images.ids, images.labels, np.eye(2, dtype=np.float32)[images.labels])


def ids_of(numbers):
    return np.array(list(numbers), dtype=np.uint64)


def test_an_evaluation_that_cannot_be_read_is_told(make_bundle, make_scores, tmp_path):
    broken = make_small_bundle(tmp_path / "broken", parity=PARITY)
    whole = make_bundle(make_scores(10))
    for candidate, champion in ((broken, None), (broken, whole), (whole, broken)):
        with pytest.raises(BundleCorruptError, match=r"broken.*holds no evaluation"):
            judge(candidate, champion)
    for candidate, champion in ((broken, whole), (whole, broken)):
        with pytest.raises(BundleCorruptError, match=r"broken.*holds no evaluation"):
            needs_new_scores(candidate, champion)


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
    whole, harmed = make_bundle(make_scores(10)), make_bundle(make_scores(10))
    harm(harmed.path / TRAINING_IDS)
    with pytest.raises(BundleCorruptError, match="fetch or publish the bundle again"):
        training_ids(harmed)
    with pytest.raises(BundleCorruptError, match=TRAINING_IDS):
        judge(whole, harmed)


def test_training_ids_are_read(make_bundle, make_scores):
    ids = np.array([3, 2**64 - 1], dtype=np.uint64)
    assert (training_ids(make_bundle(make_scores(1), trained_on=ids)) == ids).all()


def result(verdict):
    return GateResult("gate", verdict, "figure", "limit", "detail")


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        (["pass", "pass"], "pass"),
        (["pass", "undecided"], "undecided"),
        (["undecided", "fail"], "fail"),
        (["fail", "pass"], "fail"),
        ([], "undecided"),
    ],
)
def test_the_worst_gate_decides_and_no_gate_decides_nothing(verdicts, expected):
    assert overall(result(Verdict(verdict)) for verdict in verdicts) is Verdict(expected)


def test_a_result_is_ready_for_json():
    values = result(Verdict.undecided).as_dict()
    assert json.loads(json.dumps(values)) == {
        "name": "gate",
        "verdict": "undecided",
        "figure": "figure",
        "limit": "limit",
        "detail": "detail",
    }
