"""A process that appends to the prediction log, and says what was acknowledged: for tests.

    python logging_process.py DATABASE_URL SPOOL_DIR THREADS SEGMENT_BYTES

Prints each id once its record is durable. Ends when its standard input does, in good order.
"""

import os
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

from mlopsproj_records import PredictionRecord, lane, uuid7
from mlopsproj_records.log import LogConfig, PredictionLog


def record():
    return PredictionRecord(
        id=uuid7(),
        time=datetime.now(UTC),
        model="animals",
        version=1,
        top_k=(("cat", 0.75), ("dog", 0.25)),
        probabilities=os.urandom(40),
        embedding=os.urandom(256),
        ood_score=0.5,
        statistics={"width": 640, "mode": "RGB"},
        latency_ms={"infer": 2.0},
        request_id="r1",
        image_sha256=os.urandom(32).hex(),
    )


def caller(log, ended):
    while not ended.is_set():
        made, told, errors = record(), threading.Event(), []
        log.append(made, lambda error, told=told, errors=errors: (errors.append(error), told.set()))
        told.wait()
        # One write for a line, so that a kill cuts none in two.
        line = f"{made.id}\n" if errors == [None] else f"! {errors}\n"
        os.write(1, line.encode())


def main():
    url, spool_dir, threads = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    lane.SEGMENT_BYTES = int(sys.argv[4])
    ended = threading.Event()
    with PredictionLog(LogConfig(database_url=url, spool_dir=spool_dir)) as log:
        callers = [threading.Thread(target=caller, args=(log, ended)) for _ in range(threads)]
        for thread in callers:
            thread.start()
        sys.stdin.read()
        ended.set()
        for thread in callers:
            thread.join()


if __name__ == "__main__":
    main()
