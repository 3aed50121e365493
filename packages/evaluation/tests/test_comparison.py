from functools import cache
from math import sqrt

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from mlopsproj_core.errors import ConfigError, DataError
from mlopsproj_evaluation import Scores, Verdict, compare
from mlopsproj_evaluation.comparison import MARGIN, difference_bounds, judge_pairs
from scipy.special import ndtri
from scipy.stats import binom

FALSE_ALARM = 1e-6


@st.composite
def counts(draw, most=400):
    """Images, gained and lost."""
    images = draw(st.integers(1, most))
    gained = draw(st.integers(0, images))
    return images, gained, draw(st.integers(0, images - gained))


# The paired tables of Fagerland, Lydersen & Laake (2014, Statistics in Medicine 33:2850-2875) with
# Tango's interval as they print it, two-sided 95 %; and R's PropCIs::scoreci.mp(25, 28, 618) at
# two-sided 90 %.
@pytest.mark.parametrize(
    ("images", "gained", "lost", "level", "expected"),
    [
        pytest.param(21, 1, 7, 0.975, (-0.517, -0.026), id="airway hyper-responsiveness"),
        pytest.param(161, 6, 16, 0.975, (-0.124, -0.0054), id="complete response"),
        pytest.param(618, 28, 25, 0.95, (-0.0148, 0.0247), id="PropCIs"),
    ],
)
def test_bounds_are_the_published_ones(images, gained, lost, level, expected):
    digits = max(len(str(bound).split(".")[1]) for bound in expected)
    found = difference_bounds(images, gained, lost, level=level)
    assert found == pytest.approx(expected, abs=0.51 * 10**-digits)


def bisect(falling, low, high):
    """Where a falling function passes 0."""
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if falling(middle) > 0 else (low, middle)
    return (low + high) / 2


def searched_statistic(delta, images, gained, lost):
    """The score statistic, its nuisance parameter found by climbing the likelihood."""

    def slope(losses):
        both = images - gained - lost
        return (
            (gained / (losses + delta) if gained else 0.0)
            + (lost / losses if lost else 0.0)
            - (2 * both / (1 - 2 * losses - delta) if both else 0.0)
        )

    losses = bisect(slope, max(0.0, -delta), (1 - delta) / 2)
    return (gained - lost - images * delta) / sqrt(images * (2 * losses + delta - delta**2))


@settings(max_examples=80)
@given(counts())
def test_bounds_are_where_an_independent_score_statistic_meets_the_quantile(case):
    images, gained, lost = case
    difference, z = (gained - lost) / images, ndtri(0.95)
    low, high = difference_bounds(*case)
    if lost < images:
        expected = bisect(lambda d: searched_statistic(d, *case) - z, -1 + 1e-9, difference - 1e-12)
        assert low == pytest.approx(expected, abs=1e-6)
    if gained < images:
        expected = bisect(lambda d: searched_statistic(d, *case) + z, difference + 1e-12, 1 - 1e-9)
        assert high == pytest.approx(expected, abs=1e-6)


@settings(max_examples=60)
@given(counts())
def test_bounds_enclose_the_difference_and_lie_within_1(case):
    images, gained, lost = case
    low, high = difference_bounds(*case)
    assert -1 <= low <= (gained - lost) / images <= high <= 1
    assert low < high


@settings(max_examples=60)
@given(counts())
def test_exchanging_the_models_mirrors_the_bounds(case):
    images, gained, lost = case
    low, high = difference_bounds(images, gained, lost)
    assert difference_bounds(images, lost, gained) == pytest.approx((-high, -low), abs=1e-8)


@settings(max_examples=60)
@given(counts())
def test_an_image_more_gained_raises_both_bounds_and_one_more_lost_lowers_them(case):
    images, gained, lost = case
    assume(gained + lost < images)
    low, high = difference_bounds(images, gained, lost)
    better, worse = (
        difference_bounds(images, gained + 1, lost),
        difference_bounds(images, gained, lost + 1),
    )
    slack = 1e-8
    assert better[0] >= low - slack
    assert better[1] >= high - slack
    assert worse[0] <= low + slack
    assert worse[1] <= high + slack


@pytest.mark.parametrize("images", [1, 10, 1000, 10_000_000])
def test_without_disagreements_the_bounds_are_those_of_the_rule_that_none_was_seen(images):
    """With none among n, Tango's bound has the closed form z² / (n + z²)."""
    z = ndtri(0.95)
    expected = z**2 / (images + z**2)
    assert difference_bounds(images, 0, 0) == pytest.approx((-expected, expected), abs=1e-8)


def test_no_image_leaves_every_difference_possible():
    assert difference_bounds(0, 0, 0) == (-1, 1)
    assert difference_bounds(7, 7, 0)[1] == 1
    assert difference_bounds(7, 0, 7)[0] == -1


@pytest.mark.parametrize("images", [2, 1000, 10_000_000])
def test_next_to_the_edge_a_bound_is_found(images):
    low, high = difference_bounds(images, images - 1, 0)
    assert 1 - 7 / images < low < (images - 1) / images < high < 1


@cache
def verdict(images, gained, lost, margin):
    return judge_pairs(images, gained, lost, margin).verdict


def probability(wanted, images, share_gained, share_lost, margin):
    """Of a verdict, summed over all counts that can be met."""
    disagreements = share_gained + share_lost
    total = 0.0
    for seen in range(int(binom.isf(1e-9, images, disagreements)) + 1):
        chance = binom.pmf(seen, images, disagreements)
        of_these = binom.pmf(range(seen + 1), seen, share_gained / disagreements)
        total += chance * sum(
            part
            for gained, part in enumerate(of_these)
            if part > 1e-9 and verdict(images, gained, seen - gained, margin) is wanted
        )
    return total


@pytest.mark.parametrize(
    ("images", "disagreements", "margin"),
    [(300, 0.1, 0.02), (500, 0.05, 0.01), (500, 0.06, 0.0), (2000, 0.02, 0.005)],
)
def test_on_the_margin_either_decision_is_wrong_about_one_time_in_twenty(
    images, disagreements, margin
):
    gained, lost = (disagreements - margin) / 2, (disagreements + margin) / 2
    for decision in (Verdict.passed, Verdict.failed):
        wrong = probability(decision, images, gained, lost, margin)
        assert 0.03 < wrong < 0.065


def test_few_images_pass_nobody():
    """An identical model on 2,000 images with 5 % discordant passes one time in four."""
    found = probability(Verdict.passed, 2000, 0.025, 0.025, 0.005)
    assert found == pytest.approx(0.25, abs=0.03)


@pytest.mark.parametrize(
    ("images", "gained", "lost", "expected"),
    [
        (2000, 40, 10, Verdict.passed),
        (2000, 0, 0, Verdict.passed),
        (2000, 10, 80, Verdict.failed),
        (2000, 50, 50, Verdict.undecided),
        (100, 0, 0, Verdict.undecided),
        (1, 1, 0, Verdict.undecided),
    ],
)
def test_verdicts(images, gained, lost, expected):
    found = judge_pairs(images, gained, lost, MARGIN)
    assert found.verdict is expected
    assert found.difference == (gained - lost) / images
    assert (found.images_needed is not None) == (expected is Verdict.undecided)


@settings(max_examples=50)
@given(counts(), st.floats(0, 0.999))
def test_the_verdict_follows_from_the_bound_and_the_margin(case, margin):
    found = judge_pairs(*case, margin)
    assert (found.verdict is Verdict.passed) == (found.low >= -margin)
    assert (found.verdict is Verdict.failed) == (found.high < -margin)


@pytest.mark.parametrize("margin", [0.0, 0.005, 0.999999])
def test_no_image_decides_nothing_whatever_the_margin(margin):
    found = judge_pairs(0, 0, 0, margin)
    assert found.verdict is Verdict.undecided
    assert found.images_needed is None


@pytest.mark.parametrize("margin", [-0.01, 1.0, float("nan"), float("inf")])
def test_a_margin_that_lets_anything_pass_is_refused(margin):
    with pytest.raises(ConfigError, match=f"margin of {margin}"):
        judge_pairs(10, 0, 0, margin)


@pytest.mark.parametrize(("gained", "lost"), [(-1, 0), (0, -1), (6, 5)])
def test_counts_that_contradict_each_other_are_refused(gained, lost):
    with pytest.raises(DataError, match="Of 10 images"):
        difference_bounds(10, gained, lost)


@pytest.mark.parametrize(
    ("images", "gained", "lost", "margin"),
    [
        pytest.param(2000, 50, 50, 0.005, id="alike"),
        pytest.param(1000, 10, 14, 0.01, id="a little worse"),
        pytest.param(500, 14, 20, 0.005, id="beyond the margin"),
        pytest.param(300, 4, 4, 0.01, id="few disagreements"),
    ],
)
def test_as_many_images_as_are_needed_decide_four_times_in_five(images, gained, lost, margin):
    found = judge_pairs(images, gained, lost, margin)
    assert found.verdict is Verdict.undecided
    rng = np.random.default_rng(0)
    # Half a disagreement more on either side: what the estimate itself supposes.
    shares = ((gained + 0.5) / images, (lost + 0.5) / images)

    def power(number, draws=1500):
        wanted = Verdict.passed if (gained - lost) / images > -margin else Verdict.failed
        drawn = rng.multinomial(number, [*shares, 1 - sum(shares)], draws)
        hits = [verdict(number, int(g), int(lost_), margin) is wanted for g, lost_, _ in drawn]
        return np.mean(hits)

    assert power(found.images_needed) == pytest.approx(0.8, abs=0.06)
    assert power(found.images_needed // 2) < 0.7


def test_on_the_margin_itself_no_number_of_images_is_named():
    found = judge_pairs(1000, 0, 5, 0.005)
    assert (found.verdict, found.images_needed) == (Verdict.undecided, None)


def test_counts_who_alone_is_right(make_scores):
    found = compare(make_scores(100, wrong=[0, 1, 2]), make_scores(100, wrong=[2, 3]))
    assert (found.images, found.gained, found.lost) == (100, 1, 2)
    assert found.difference == -0.01


def test_order_of_the_images_does_not_matter(make_scores):
    ours, theirs = make_scores(100, wrong=range(5)), make_scores(100, wrong=range(3, 12))
    order = np.random.default_rng(0).permutation(100)
    shuffled = Scores(
        tuple(theirs.ids[row] for row in order), theirs.labels[order], theirs.probabilities[order]
    )
    assert compare(ours, shuffled) == compare(ours, theirs)


def test_only_images_that_both_were_judged_on_count(make_scores):
    ours, theirs = make_scores(100, wrong=range(100)), make_scores(100, wrong=[60], first=50)
    found = compare(ours, theirs)
    assert (found.images, found.gained, found.lost) == (50, 1 - 1, 49)


def test_images_that_are_excluded_do_not_count(make_scores):
    ours, theirs = make_scores(100, wrong=range(10)), make_scores(100)
    strange = np.array([10**6], dtype=np.uint64)
    excluded = np.concatenate([ours.short_ids[:8], ours.short_ids[50:60], strange])
    found = compare(ours, theirs, exclude_ids=excluded)
    assert (found.images, found.excluded, found.gained, found.lost) == (82, 18, 0, 2)


def test_nothing_is_decided_where_nothing_is_left(make_scores):
    ours = make_scores(1000)
    found = compare(ours, ours, exclude_ids=ours.short_ids)
    assert (found.verdict, found.images, found.excluded) == (Verdict.undecided, 0, 1000)
    found = compare(ours, make_scores(1000, first=1000))
    assert (found.verdict, found.images, found.excluded) == (Verdict.undecided, 0, 0)


def test_a_corrected_label_counts_for_both(make_scores):
    ours, theirs = make_scores(100), make_scores(100)
    labels = ours.labels.copy()
    labels[:7] = 1 - labels[:7]
    corrected = Scores(ours.ids, labels, ours.probabilities)
    found = compare(corrected, theirs)
    assert (found.gained, found.lost) == (0, 0)
    right = np.eye(2, dtype=np.float32)[labels]
    assert compare(Scores(ours.ids, labels, right), theirs).gained == 7


def test_models_of_other_classes_are_not_compared(make_scores):
    with pytest.raises(DataError, match="2 classes apart and the champion 3"):
        compare(make_scores(10), make_scores(10, classes=3))


def test_excluding_asks_for_ids_that_are_content_ids(make_scores):
    plain = Scores(("first",), np.array([0]), np.array([[0.5, 0.5]], np.float32))
    assert compare(plain, plain).images == 1
    with pytest.raises(DataError, match="'first' is no hexadecimal sha256"):
        compare(plain, plain, exclude_ids=make_scores(3).short_ids)


def test_a_margin_next_to_nothing_is_no_number_to_divide_by():
    assert judge_pairs(1, 0, 0, 1e-243).images_needed is None
