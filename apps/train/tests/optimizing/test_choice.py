from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlopsproj_core.manifest import Metric
from mlopsproj_evaluation import Verdict
from mlopsproj_evaluation.comparison import judge_pairs
from mlopsproj_evaluation.latency import Ratio
from mlopsproj_train.optimizing.choice import Standing, choose


def standing(  # noqa: PLR0917 (all but the name are given by theirs)
    name="v", speed=2.0, spread=0.01, images=10_000, gained=0, lost=0, budget=0.005
):
    return Standing(
        name,
        1000,
        Metric(value=0.9, low=0.89, high=0.91),
        judge_pairs(images, gained, lost, budget),
        Ratio(speed, speed * (1 - spread), speed * (1 + spread), 100),
    )


def test_the_fastest_that_is_good_enough_is_taken():
    found = choose(
        [
            standing("slow", speed=0.5),
            standing("good", speed=2.0),
            standing("bad", speed=4.0, lost=900),
            standing("fast", speed=3.0, lost=10),
        ],
        accept_undecided=False,
    )
    assert (found.variant.name, found.verdict) == ("fast", Verdict.passed)


def test_of_those_that_are_as_fast_the_most_accurate_is_taken():
    found = choose(
        [
            standing("fast", speed=2.02, spread=0.03, lost=20),
            standing("better", speed=2.0, spread=0.03, gained=5),
        ],
        accept_undecided=False,
    )
    assert found.variant.name == "better"


def test_noise_makes_nothing_as_fast():
    found = choose(
        [
            standing("fast", speed=3.0, spread=0.4, lost=10),
            standing("better", speed=2.4, spread=0.4, gained=5),
        ],
        accept_undecided=False,
    )
    assert found.variant.name == "fast"


def test_nothing_is_taken_that_is_not_shown_to_be_faster():
    found = choose([standing(speed=1.02, spread=0.05)], accept_undecided=True)
    assert (found.variant, found.verdict) == (None, Verdict.undecided)
    assert "timing.seconds" in found.reason


def test_what_is_slower_somewhere_is_never_taken():
    mixed = replace(standing(speed=2.0), slower_at=("1 on 1",))
    assert not mixed.faster
    assert mixed.slower
    assert choose([mixed], accept_undecided=True).verdict is Verdict.failed


def test_too_few_images_decide_nothing_unless_that_is_accepted():
    few = standing("few", images=100, lost=0)
    found = choose([few], accept_undecided=False)
    assert (found.variant, found.verdict) == (None, Verdict.undecided)
    assert "validation images would decide" in found.reason
    accepted = choose([few], accept_undecided=True)
    assert (accepted.variant, accepted.verdict) == (few, Verdict.undecided)


def test_what_was_seen_to_lose_more_is_not_accepted():
    seen = standing(images=200, lost=3)
    assert seen.comparison.verdict is Verdict.undecided
    found = choose([seen], accept_undecided=True)
    assert (found.variant, found.verdict) == (None, Verdict.undecided)


def test_what_is_shown_to_lose_more_is_refused():
    found = choose([standing(lost=900)], accept_undecided=True)
    assert (found.variant, found.verdict) == (None, Verdict.failed)
    assert "loses more" in found.reason


def test_nothing_to_choose_from():
    assert choose([], accept_undecided=True).verdict is Verdict.failed


variants = st.builds(
    standing,
    speed=st.floats(0.2, 5),
    spread=st.floats(0, 0.3),
    images=st.sampled_from([50, 1000, 50_000]),
    gained=st.integers(0, 20),
    lost=st.integers(0, 30),
)


@given(st.lists(variants, max_size=8), st.booleans())
def test_what_is_taken_is_always_faster_and_never_shown_to_lose_more(standings, accept):
    found = choose(standings, accept_undecided=accept)
    if found.variant is None:
        assert found.verdict is not Verdict.passed
        return
    assert found.variant.faster
    assert not found.variant.slower
    assert found.variant.comparison.verdict is found.verdict
    assert found.verdict is Verdict.passed or accept
    allowed = {Verdict.passed, Verdict.undecided} if accept else {Verdict.passed}
    for other in standings:
        much_faster = other.speedup.median > 1.06 * found.variant.speedup.median
        if other.faster and other.comparison.verdict in allowed and much_faster:
            assert other.comparison.difference < -other.comparison.margin


def test_slower_and_faster_are_shown_or_neither():
    assert standing(speed=0.5).slower
    assert standing(speed=2).faster
    between = standing(speed=1.0, spread=0.1)
    assert not between.slower
    assert not between.faster


def test_the_margin_is_the_budget():
    assert standing(budget=0.02).comparison.margin == pytest.approx(0.02)
