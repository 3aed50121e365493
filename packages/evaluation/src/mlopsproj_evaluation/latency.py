"""How fast graphs are beside each other, measured in turn on the machine that asks.

What disturbs one round disturbs all contenders in it, so that a ratio of one round says more than
two times of different minutes. Knows nothing of bundles, and not what is run.
"""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

import numpy as np
from mlopsproj_core.errors import ConfigError
from scipy.special import bdtr

from mlopsproj_evaluation.comparison import LEVEL, Verdict

BATCHES: Final = (1, 32)
"""Images at once: a lone request, and a busy service."""

_TURN_SECONDS = 0.005
_MOST_RUNS = 1000
_WARM_UPS = 2
_FIRST_LOOK = 16
_PATIENCE = 4

Run = Callable[[], object]


@dataclass(frozen=True)
class Ratio:
    """How long one takes for each second of the other, round by round.

    Attributes:
        median: of the rounds' ratios; below 1 the first is faster.
        low: one-sided lower bound of the median; 0 where there are too few rounds for one.
        high: one-sided upper bound; infinite where there are too few rounds.
        rounds: that were measured.
    """

    median: float
    low: float
    high: float
    rounds: int


def interleaved(
    runs: Mapping[str, Run],
    *,
    rounds: int,
    seconds: float | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, list[float]]:
    """Time several contenders in turn, each round in another order.

    Args:
        runs: of each contender one inference, by its name.
        rounds: at least 1.
        seconds: after which no further round is begun, warm-up apart; one is always measured.
        clock: in seconds.

    Returns:
        Seconds of one inference in each round, by name, all lists of one length.

    Raises:
        ConfigError: if there is no contender or no round.
    """
    if not runs or rounds < 1:
        raise ConfigError(f"{len(runs)} contenders, {rounds} rounds: give at least 1 of each.")
    found: dict[str, list[float]] = {name: [] for name in runs}
    repeats = _warm_up(runs, clock)
    start = clock()
    for times in islice(_rounds(runs, repeats, clock), rounds):
        for name, value in times.items():
            found[name].append(value)
        if seconds is not None and clock() - start >= seconds:
            break
    return found


def each_round(
    runs: Mapping[str, Run], *, clock: Callable[[], float] = time.perf_counter
) -> Iterator[dict[str, float]]:
    """Rounds without end: in each, every contender has its turn, first another every time.

    Each is run twice before the first round. A turn is one inference, or so many of this contender
    that it takes 5 ms: on a busy machine shorter turns are had whole or not at all.

    Args:
        runs: of each contender one inference, by its name.
        clock: in seconds.
    """
    yield from _rounds(runs, _warm_up(runs, clock), clock)


def ratio(ours: Sequence[float], theirs: Sequence[float], *, level: float = LEVEL) -> Ratio:
    """The median of the ratios of each round, with bounds that suppose no distribution.

    The bounds are order statistics (David & Nagaraja 2003, Order Statistics, section 7.1): the
    k-th smallest of n values lies below the median unless fewer than k of n fair coins show heads.
    Rounds are supposed to be independent, which they are not quite: of 200 comparisons of a graph
    with its equal, on a machine with twice as much to do as it has cores, 16 intervals of 95 % left
    out 1, and none left out 1.25.

    Args:
        ours: seconds in each round, as `interleaved` gives them.
        theirs: in the same rounds.
        level: of each bound, above 0.5 and below 1.

    Raises:
        ConfigError: if there is no round, or not as many of one as of the other.
    """
    if len(ours) != len(theirs) or not ours:
        raise ConfigError(
            f"{len(ours)} and {len(theirs)} rounds give no ratio: time both in the same rounds."
        )
    ratios = np.sort(np.asarray(ours) / np.asarray(theirs))
    rounds = len(ratios)
    # How many of the smallest may lie below the bound at this level.
    tails = bdtr(np.arange(rounds), rounds, 0.5)
    rank = int((tails <= 1 - level).sum())
    return Ratio(
        median=float(np.median(ratios)),
        low=float(ratios[rank - 1]) if rank else 0.0,
        high=float(ratios[rounds - rank]) if rank else float("inf"),
        rounds=rounds,
    )


def decide_ratio(
    ours: Run,
    theirs: Run,
    *,
    limit: float,
    seconds: float,
    level: float = LEVEL,
    clock: Callable[[], float] = time.perf_counter,
) -> tuple[Verdict, Ratio]:
    """Measure until it is shown whether one takes at most `limit` times as long as the other.

    It looks after 16 rounds, 32, 64 and so on. Who looks often enough finds anything, so the j-th
    look spends 1 / (j (j + 1)) of the error that is allowed, and all together no more than all of
    it. When the time is over it still takes the fewest rounds that can decide, so that slow graphs
    are decided too, but no more than four times the time.

    Args:
        ours: one inference.
        theirs: one inference of whom it is held against.
        limit: ratio that is accepted.
        seconds: after which it stays undecided, warm-up apart, if there were rounds enough.
        level: of each bound, all looks together.
        clock: in seconds.

    Returns:
        Pass if the upper bound is within the limit, fail if the lower one is beyond, else
        undecided; and the ratio at the last look.
    """
    times: dict[str, list[float]] = {"ours": [], "theirs": []}
    looks, next_look = 1, _FIRST_LOOK
    runs = {"ours": ours, "theirs": theirs}
    repeats = _warm_up(runs, clock)
    start = clock()
    for found in _rounds(runs, repeats, clock):
        for name, value in found.items():
            times[name].append(value)
        spent = (1 - level) / (looks * (looks + 1))
        rounds, taken = len(times["ours"]), clock() - start
        enough = rounds >= _fewest_rounds(1 - spent)
        late = taken >= (seconds if enough else _PATIENCE * seconds)
        if rounds < next_look and not late:
            continue
        measured = ratio(times["ours"], times["theirs"], level=1 - spent)
        if measured.high <= limit:
            return Verdict.passed, measured
        if measured.low > limit:
            return Verdict.failed, measured
        if late:
            break
        looks, next_look = looks + 1, 2 * next_look
    return Verdict.undecided, measured


def _warm_up(runs: Mapping[str, Run], clock: Callable[[], float]) -> dict[str, int]:
    """Run each twice, and see how many of its inferences fill its turn.

    Each has its own number: that of the fastest would keep one that is a thousand times slower
    busy for minutes.
    """
    repeats = {}
    for name, run in runs.items():
        for _ in range(_WARM_UPS):
            start = clock()
            run()
            taken = clock() - start
        shortest = max(taken, _TURN_SECONDS / _MOST_RUNS)
        repeats[name] = max(1, round(_TURN_SECONDS / shortest))
    return repeats


def _rounds(
    runs: Mapping[str, Run], repeats: Mapping[str, int], clock: Callable[[], float]
) -> Iterator[dict[str, float]]:
    names = list(runs)
    while True:
        times = {}
        for name in names:
            run = runs[name]
            start = clock()
            for _ in range(repeats[name]):
                run()
            times[name] = (clock() - start) / repeats[name]
        yield {name: times[name] for name in runs}
        names = [*names[1:], names[0]]


def _fewest_rounds(level: float) -> int:
    """So many that the largest of their ratios bounds the median at this level."""
    return math.ceil(math.log2(1 / (1 - level)))
