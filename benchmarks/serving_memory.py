"""Whether the service grows: its resident memory after 100,000 requests over that after 5,000.

Proportional set size of all its processes, which counts the pages of files that are mapped too;
the log is on. Goal: within 5 %. Run: uv run --group bench python benchmarks/serving_memory.py
"""

import argparse
import time

from measurement import store
from serving.contenders import ours, running
from serving.inputs import SIZES, model
from serving.load import LoadError, check, post
from serving.server import end_on_signals

FIRST, LAST = 5_000, 100_000
CLIENTS = 32
GOAL = 0.05
_TURN_SECONDS = 3
_SETTLE_SECONDS = 1


def main() -> None:
    """Send the smaller images to the small model and read memory every few seconds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=LAST)
    parser.add_argument("--workers", help="processes; as it comes unless given")
    arguments = parser.parse_args()
    end_on_signals()
    contender = ours() if arguments.workers is None else ours(workers=arguments.workers)
    points: list[tuple[int, float]] = []
    with running([contender], model("small")) as (launched,):
        sent = check(launched.target, SIZES[0], CLIENTS, 1).requests
        while sent < arguments.requests:
            load = post(launched.target, SIZES[0], CLIENTS, _TURN_SECONDS)
            if load.refused:
                raise LoadError(f"{load.refused} requests were refused after {sent}")
            sent += load.requests
            time.sleep(_SETTLE_SECONDS)
            points.append((sent, launched.server.memory_mb()))
    early = next(point for point in points if point[0] >= FIRST)
    late = points[-1]
    growth = late[1] / early[1] - 1
    print(
        f"memory: {early[1]:,.0f} MB after {early[0]:,} requests, {growth:+.1%} after {late[0]:,}"
        f" (goal: within {GOAL:.0%})"
    )
    if arguments.requests >= LAST:
        store("serving_memory", {"growth": growth, "megabytes_by_requests": points})


if __name__ == "__main__":
    main()
