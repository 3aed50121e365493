"""What a lone client waits for, over decode, resize and inference in a loop.

Both by their median; the loop has one thread and our decoder. A plain FastAPI endpoint stands
beside, which keeps no log. Goal: at most 1.3. Run: uv run --group bench python
benchmarks/serving_latency.py
"""

import argparse
from typing import Any

from measurement import ratios, show, store
from serving.contenders import Contender, ours, running
from serving.inputs import MODELS, SIZES, Jpegs, Served, model
from serving.limit import loop
from serving.load import check, post
from serving.rivals.model import RivalSettings
from serving.server import end_on_signals

OURS, WITHOUT_LOG, FASTAPI, LOOP = "ours", "ours without its log", "FastAPI async", "loop"


def measure(served: Served, jpegs: Jpegs, rounds: int, seconds: int) -> dict[str, list[float]]:
    """Median milliseconds of each, by round."""
    contenders = {
        OURS: ours(),
        WITHOUT_LOG: ours(log="0"),
        FASTAPI: Contender("FastAPI async", RivalSettings("", decoder="ours")),
    }
    times: dict[str, list[float]] = {name: [] for name in (*contenders, LOOP)}
    with running(list(contenders.values()), served) as launched:
        for each in launched:
            check(each.target, jpegs, 1, 2)
        for _ in range(rounds):
            for name, each in zip(contenders, launched, strict=True):
                times[name].append(post(each.target, jpegs, 1, seconds).p50_ms)
            times[LOOP].append(loop(served, jpegs, "ours", seconds).p50_ms)
    return times


def main() -> None:
    """Measure both models with both sizes of images."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2)
    arguments = parser.parse_args()
    end_on_signals()
    figures: dict[str, Any] = {}
    for name in MODELS:
        served = model(name)
        for jpegs in SIZES:
            title = f"{name}, {jpegs.name}"
            times = measure(served, jpegs, arguments.rounds, arguments.seconds)
            found = {each: ratios(times[each], times[LOOP]) for each in times if each != LOOP}
            for each, ratio in found.items():
                goal = "at most 1.3" if each == OURS else "none"
                show(f"{title}: latency of one client over the loop, {each}", ratio, goal)
            figures[title] = {"ratios": found, "p50_ms": times}
    store("serving_latency", figures)


if __name__ == "__main__":
    main()
