"""Time is counted by a clock that only the contenders move: nothing here depends on the machine."""

import math
from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlopsproj_core.errors import ConfigError
from mlopsproj_evaluation import Verdict
from mlopsproj_evaluation.latency import decide_ratio, each_round, interleaved, ratio
from scipy.stats import binom


class Clock:
    """Stands still, but for what contenders take."""

    def __init__(self):
        self.now = 0.0
        self.ran = []

    def __call__(self):
        return self.now

    def contender(self, name, seconds):
        """Takes `seconds`, or what it gives when it is asked."""

        def run():
            self.ran.append(name)
            self.now += seconds() if callable(seconds) else seconds

        return run


@pytest.fixture
def clock():
    return Clock()


def test_each_contender_is_told_the_seconds_of_its_inference_in_every_round(clock):
    runs = {"slow": clock.contender("slow", 0.3), "fast": clock.contender("fast", 0.1)}
    found = interleaved(runs, rounds=7, clock=clock)
    assert list(found) == ["slow", "fast"]
    assert found["slow"] == pytest.approx([0.3] * 7)
    assert found["fast"] == pytest.approx([0.1] * 7)


def test_after_two_runs_each_another_has_the_first_turn_every_round(clock):
    runs = {name: clock.contender(name, 1.0) for name in "abc"}
    interleaved(runs, rounds=4, clock=clock)
    assert "".join(clock.ran) == "aabbcc" + "abc" + "bca" + "cab" + "abc"


@pytest.mark.parametrize(
    ("seconds", "repeats"), [(0.01, 1), (0.004, 1), (0.0025, 2), (0.00005, 100), (0.0, 1000)]
)
def test_what_is_too_quick_for_the_clock_runs_several_times_a_turn(clock, seconds, repeats):
    runs = {"quick": clock.contender("quick", seconds), "slow": clock.contender("slow", 0.02)}
    found = interleaved(runs, rounds=3, clock=clock)
    assert clock.ran.count("quick") == 2 + 3 * repeats
    assert clock.ran.count("slow") == 2 + 3
    assert found["quick"] == pytest.approx([seconds] * 3)


def test_no_round_is_begun_when_the_time_is_over(clock):
    runs = {"a": clock.contender("a", 1.0), "b": clock.contender("b", 2.0)}
    assert len(interleaved(runs, rounds=100, seconds=5.0, clock=clock)["a"]) == 2
    assert len(interleaved(runs, rounds=100, seconds=0.0, clock=clock)["a"]) == 1


def test_rounds_may_be_taken_one_by_one(clock):
    runs = {"a": clock.contender("a", 1.0)}
    assert list(islice(each_round(runs, clock=clock), 2)) == [{"a": 1.0}, {"a": 1.0}]


@pytest.mark.parametrize(("runs", "rounds"), [({}, 3), ({"a": list}, 0)])
def test_nothing_to_time_is_refused(runs, rounds):
    with pytest.raises(ConfigError, match=f"{len(runs)} contenders, {rounds} rounds"):
        interleaved(runs, rounds=rounds)


@pytest.mark.parametrize(("rounds", "rank"), [(5, 1), (8, 2), (16, 5), (100, 42)])
def test_bounds_are_the_order_statistics_of_the_sign_test(rounds, rank):
    """P(B < rank) is at most 5 % for B of `rounds` fair coins, and more one rank further in."""
    assert binom.cdf(rank - 1, rounds, 0.5) <= 0.05 < binom.cdf(rank, rounds, 0.5)
    found = ratio(range(1, rounds + 1), [1.0] * rounds)
    assert (found.low, found.high) == (rank, rounds + 1 - rank)
    assert (found.median, found.rounds) == ((rounds + 1) / 2, rounds)


@pytest.mark.parametrize("rounds", [1, 4])
def test_a_few_rounds_bound_nothing(rounds):
    found = ratio([2.0] * rounds, [1.0] * rounds)
    assert (found.low, found.median, found.high) == (0.0, 2.0, math.inf)


@given(st.lists(st.tuples(*[st.floats(1e-6, 1e3)] * 2), min_size=1, max_size=60))
def test_bounds_lie_around_the_median_and_mirror(pairs):
    ours, theirs = zip(*pairs, strict=True)
    found, mirrored = ratio(ours, theirs), ratio(theirs, ours)
    assert found.low <= found.median <= found.high
    if found.low > 0:
        assert mirrored.high == pytest.approx(1 / found.low)
        assert mirrored.low == pytest.approx(1 / found.high)


@pytest.mark.parametrize(("ours", "theirs"), [([], []), ([1.0], []), ([1.0], [1.0, 2.0])])
def test_rounds_that_do_not_belong_together_are_refused(ours, theirs):
    with pytest.raises(ConfigError, match=f"{len(ours)} and {len(theirs)} rounds"):
        ratio(ours, theirs)


@pytest.mark.parametrize(
    ("ours", "verdict"), [(1.0, Verdict.passed), (1.25, Verdict.passed), (1.5, Verdict.failed)]
)
def test_what_is_plain_is_decided_at_the_first_look(clock, ours, verdict):
    found, measured = decide_ratio(
        clock.contender("ours", ours),
        clock.contender("theirs", 1.0),
        limit=1.25,
        seconds=1000,
        clock=clock,
    )
    assert (found, measured.rounds, measured.median) == (verdict, 16, ours)


def test_what_is_close_takes_more_rounds(clock):
    rng = np.random.default_rng(2)
    found, measured = decide_ratio(
        clock.contender("ours", lambda: 1.2 * rng.lognormal(0, 0.1)),
        clock.contender("theirs", 1.0),
        limit=1.25,
        seconds=1e6,
        clock=clock,
    )
    assert found is Verdict.passed
    assert measured.rounds in {32, 64, 128, 256}
    assert measured.high <= 1.25


def test_when_the_time_is_over_it_is_undecided(clock):
    rng = np.random.default_rng(0)
    found, measured = decide_ratio(
        clock.contender("ours", lambda: 1.25 * rng.lognormal(0, 0.3)),
        clock.contender("theirs", 1.0),
        limit=1.25,
        seconds=40,
        clock=clock,
    )
    assert found is Verdict.undecided
    assert measured.low < 1.25 < measured.high
    assert measured.rounds < 25


def test_what_takes_all_the_time_once_is_undecided(clock):
    found, measured = decide_ratio(
        clock.contender("ours", 60.0),
        clock.contender("theirs", 1.0),
        limit=1.25,
        seconds=8,
        clock=clock,
    )
    assert (found, measured.rounds, measured.high) == (Verdict.undecided, 1, math.inf)


@pytest.mark.parametrize(
    ("theirs", "ours", "verdict", "most_seconds"),
    [
        (50e-6, 0.03, Verdict.failed, 1.0),
        (5e-6, 1.0, Verdict.failed, 11.0),
        (5e-6, 2.0, Verdict.failed, 20.0),
        (2.0, 2.0, Verdict.passed, 40.0),
        (1.0, 5e-6, Verdict.passed, 11.0),
    ],
)
def test_what_is_far_apart_or_slow_is_decided_soon(clock, theirs, ours, verdict, most_seconds):
    found, measured = decide_ratio(
        clock.contender("ours", ours),
        clock.contender("theirs", theirs),
        limit=1.25,
        seconds=8,
        level=0.975,
        clock=clock,
    )
    assert found is verdict
    assert measured.rounds >= 7
    assert clock.now < most_seconds


def test_a_slow_pair_takes_the_fewest_rounds_that_can_decide(clock):
    found, measured = decide_ratio(
        clock.contender("ours", 2.0),
        clock.contender("theirs", 2.0),
        limit=1.25,
        seconds=8,
        level=0.975,
        clock=clock,
    )
    assert (found, measured.rounds) == (Verdict.passed, 7)


def test_a_disturbance_that_lasts_some_rounds_changes_no_verdict(clock):
    """Both are slower while another program runs, and one now and then alone."""
    rng = np.random.default_rng(1)

    def disturbed(seconds):
        return lambda: seconds * (10 if 20 < clock.now < 60 else 1) * (1 + rng.exponential(0.1))

    found, _ = decide_ratio(
        clock.contender("ours", disturbed(1.0)),
        clock.contender("theirs", disturbed(1.0)),
        limit=1.25,
        seconds=1e6,
        clock=clock,
    )
    assert found is Verdict.passed


def test_all_looks_together_decide_wrongly_less_than_one_time_in_twenty():
    """On the limit itself, either answer is wrong with a chance of at most 5 %."""
    rng = np.random.default_rng(0)
    verdicts = []
    for _ in range(400):
        clock = Clock()
        found, _ = decide_ratio(
            clock.contender("ours", lambda: 1.25 * rng.lognormal(0, 0.2)),
            clock.contender("theirs", 1.0),
            limit=1.25,
            seconds=400,
            clock=clock,
        )
        verdicts.append(found)
    assert 0 < verdicts.count(Verdict.passed) < 0.05 * 400
    assert 0 < verdicts.count(Verdict.failed) < 0.05 * 400
