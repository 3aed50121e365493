import numpy as np
import pytest
from mlopsproj_core.errors import ConfigError
from mlopsproj_evaluation import Scores, Verdict
from mlopsproj_evaluation.class_comparison import compare_classes, worst_class
from mlopsproj_evaluation.comparison import difference_bounds
from mlopsproj_evaluation.pairs import pair


def names(classes):
    return tuple(f"class {label}" for label in range(classes))


@pytest.fixture
def compare(make_scores):
    def compare_(images, ours=(), theirs=(), *, classes=2, limit=0.1):
        pairs = pair(
            make_scores(images, wrong=ours, classes=classes),
            make_scores(images, wrong=theirs, classes=classes),
        )
        return compare_classes(pairs, names(classes), limit=limit)

    return compare_


def test_each_class_is_compared_on_its_own_images(compare):
    even, odd = compare(200, ours=[0, 2, 4, 1], theirs=[2, 3, 5])
    assert (even.name, even.comparison.images) == ("class 0", 100)
    assert (even.comparison.gained, even.comparison.lost) == (0, 2)
    assert (odd.comparison.gained, odd.comparison.lost) == (2, 1)
    assert even.comparison.difference == pytest.approx(-0.02)


@pytest.mark.parametrize("classes", [2, 10])
def test_the_upper_bound_is_corrected_for_the_number_of_classes_and_the_lower_is_not(
    compare, classes
):
    first = compare(100 * classes, ours=range(0, 50 * classes, classes), classes=classes)[0]
    low, _ = difference_bounds(100, 0, 50, level=0.95)
    _, high = difference_bounds(100, 0, 50, level=1 - 0.05 / classes)
    assert (first.comparison.low, first.comparison.high) == (low, high)
    assert first.verdict is Verdict.failed


def test_what_would_fail_alone_may_be_undecided_among_many(compare):
    """7 of 30 images lost, 5 points accepted."""
    few = compare(60, ours=range(0, 14, 2), limit=0.05)[0]
    many = compare(3000, ours=range(0, 700, 100), classes=100, limit=0.05)[0]
    assert few.comparison.images == many.comparison.images == 30
    assert (few.verdict, many.verdict) == (Verdict.failed, Verdict.undecided)


def test_the_one_that_decides_is_the_worst(compare):
    differences = compare(3000, ours=[*range(0, 900, 3), *range(1, 100, 3)], classes=3, limit=0.05)
    assert [one.verdict for one in differences] == [
        Verdict.failed,
        Verdict.passed,
        Verdict.passed,
    ]
    assert worst_class(differences).name == "class 0"
    assert worst_class(differences[1:]).name == "class 1"


def test_a_class_without_images_decides_nothing(compare):
    last = compare(2, classes=3)[2]
    assert (last.verdict, last.comparison.images) == (Verdict.undecided, 0)


def test_a_limit_that_cannot_be_used(compare):
    with pytest.raises(ConfigError):
        compare(10, limit=1.0)


def verdict_of(rng, falls, images=150, classes=4, limit=0.1):
    """Two models that agree but for chance, of which each class falls by so much."""
    labels = np.repeat(np.arange(classes), images)
    theirs = rng.random(len(labels)) < 0.9
    # Some are gained and more are lost, so that the recall falls by what is said.
    gained = ~theirs & (rng.random(len(labels)) < 0.5)
    share = (np.asarray(falls)[labels] + 0.05) / 0.9
    ours = (theirs & (rng.random(len(labels)) >= share)) | gained
    ids = tuple(map(str, range(len(labels))))

    def scores(right):
        predicted = np.where(right, labels, (labels + 1) % classes)
        return Scores(ids, labels, np.eye(classes, dtype=np.float32)[predicted])

    pairs = pair(scores(ours), scores(theirs))
    return worst_class(compare_classes(pairs, names(classes), limit=limit)).verdict


def test_one_class_on_the_limit_passes_no_more_than_one_time_in_twenty():
    rng = np.random.default_rng(0)
    found = [verdict_of(rng, [0.1, 0, 0, 0]) for _ in range(400)]
    assert 0 < found.count(Verdict.passed) < 0.08 * 400
    assert found.count(Verdict.failed) < 0.05 * 400


def test_all_classes_on_the_limit_fail_no_more_than_one_time_in_twenty():
    rng = np.random.default_rng(1)
    found = [verdict_of(rng, [0.1] * 4) for _ in range(400)]
    assert 0 < found.count(Verdict.failed) < 0.08 * 400


def test_a_retrained_model_that_is_as_good_mostly_passes():
    rng = np.random.default_rng(2)
    found = [verdict_of(rng, [0] * 4) for _ in range(100)]
    assert found.count(Verdict.passed) > 75
