import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlopsproj_core.errors import ConfigError, DataError
from mlopsproj_evaluation import Verdict, compare_robustness
from mlopsproj_evaluation.robustness.comparison import ROBUSTNESS_MARGIN, comparable


def drawn(make_outcomes, images, share, *, seed=0, first=0, **changes):
    rng = np.random.default_rng(seed)
    return make_outcomes(rng.random((images, 15)) < share, first=first, **changes)


def losing(make_outcomes, champion, share, seed=1):
    """The same outcomes, less a share of the right ones."""
    kept = np.random.default_rng(seed).random(champion.correct.shape) >= share
    return make_outcomes(champion.correct & kept)


@pytest.mark.parametrize(
    ("images", "lost", "expected"),
    [
        (1000, 0.0, Verdict.passed),
        (1000, 0.005, Verdict.passed),
        (1000, 0.1, Verdict.failed),
        (1000, 0.025, Verdict.undecided),
        (40, 0.0, Verdict.undecided),
        (1, 0.0, Verdict.undecided),
    ],
)
def test_verdicts(make_outcomes, images, lost, expected):
    champion = drawn(make_outcomes, images, 0.8)
    candidate = losing(make_outcomes, champion, lost)
    found = compare_robustness(candidate, champion)
    assert found.verdict is expected
    assert found.images == images
    assert found.margin == ROBUSTNESS_MARGIN == 0.02
    gap = candidate.correct.mean() - champion.correct.mean()
    assert found.difference == pytest.approx(gap)
    assert (found.images_needed is not None) == (expected is Verdict.undecided)


shares = st.floats(0, 1)


@settings(max_examples=60)
@given(st.integers(1, 60), st.tuples(shares, shares), st.floats(0, 0.99), st.integers(0, 2**20))
def test_the_verdict_follows_from_the_bound(make_outcomes, images, right, margin, seed):
    candidate, champion = (
        drawn(make_outcomes, images, share, seed=seed + place) for place, share in enumerate(right)
    )
    found = compare_robustness(candidate, champion, margin=margin)
    assert found.low <= found.difference <= found.high
    assert (found.verdict is Verdict.passed) == (found.low >= -margin)
    assert (found.verdict is Verdict.failed) == (found.high < -margin)
    mirrored = compare_robustness(champion, candidate, margin=margin)
    assert (mirrored.low, mirrored.high) == pytest.approx((-found.high, -found.low))


def test_only_common_images_count_each_with_its_own(make_outcomes):
    """Images 5 to 9, in another order; what either got of the others is of no account."""
    candidate = drawn(make_outcomes, 10, 0.5)
    champion = drawn(make_outcomes, 10, 0.9, seed=1, first=5)
    order = [3, 0, 4, 2, 1, 9, 8, 7, 6, 5]
    shuffled = make_outcomes(
        champion.correct[order],
        ids=tuple(champion.ids[row] for row in order),
        severities=champion.severities[order],
    )
    found = compare_robustness(candidate, shuffled)
    assert found.images == 5
    means = candidate.correct[5:].mean(), champion.correct[:5].mean()
    assert (found.candidate, found.champion) == pytest.approx(means)
    assert found.difference == pytest.approx(means[0] - means[1])
    assert found.gained - found.lost == round(5 * 15 * (means[0] - means[1]))


def test_images_that_one_was_trained_on_do_not_count(make_outcomes):
    candidate, champion = (drawn(make_outcomes, 20, 0.8, seed=seed) for seed in (0, 1))
    found = compare_robustness(candidate, champion, exclude_ids=np.arange(3, 8, dtype=np.uint64))
    assert (found.images, found.excluded) == (15, 5)
    rest = [*range(3), *range(8, 20)]
    expected = candidate.correct[rest].mean() - champion.correct[rest].mean()
    assert found.difference == pytest.approx(expected)


def test_no_common_image_decides_nothing(make_outcomes):
    one, other = (drawn(make_outcomes, 5, 0.8, first=first) for first in (0, 5))
    found = compare_robustness(one, other)
    assert found.verdict is Verdict.undecided
    assert (found.images, found.low, found.high, found.images_needed) == (0, -1, 1, None)


@pytest.mark.parametrize("change", [{"suite": 2}, {"seed": 1}, {"corruptions": ("fog",)}])
def test_images_that_were_spoilt_otherwise_are_not_compared(make_outcomes, change):
    ours = make_outcomes([[True]], corruptions=("snow",))
    theirs = make_outcomes([[True]], **{"corruptions": ("snow",), **change})
    assert not comparable(ours, theirs)
    assert comparable(ours, ours)
    with pytest.raises(DataError, match="measure the champion again"):
        compare_robustness(ours, theirs)


@pytest.mark.parametrize("margin", [-0.01, 1.0, float("nan"), float("inf")])
def test_a_margin_that_lets_anything_pass_is_refused(make_outcomes, margin):
    outcomes = make_outcomes([[True]])
    with pytest.raises(ConfigError, match=f"margin of {margin}"):
        compare_robustness(outcomes, outcomes, margin=margin)


@pytest.mark.parametrize("lost", [0.005, 0.06])
def test_as_many_images_as_are_needed_decide_most_of_the_time(make_outcomes, lost):
    champion = drawn(make_outcomes, 100, 0.8)
    candidate = losing(make_outcomes, champion, lost)
    found = compare_robustness(candidate, champion)
    assert found.verdict is Verdict.undecided
    wanted = Verdict.passed if found.difference > -found.margin else Verdict.failed
    rng = np.random.default_rng(0)
    decided = 0
    for _ in range(200):
        rows = rng.integers(0, 100, found.images_needed)
        decided += (
            compare_robustness(
                make_outcomes(candidate.correct[rows]), make_outcomes(champion.correct[rows])
            ).verdict
            is wanted
        )
    assert decided > 0.7 * 200
