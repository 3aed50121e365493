"""The limit: decode, resize and onnxruntime in a plain loop, without HTTP and without a log.

`python -m serving.limit` is one run of it, in processes or threads of its own; `limit` and `loop`
start it. Every worker has one thread inside an inference and takes one image at a time.
"""

import argparse
import json
import multiprocessing
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Literal

from serving.inputs import SIZES, Jpegs, Served, images
from serving.rivals.model import Decoder, Model

Workers = Literal["processes", "threads"]
BENCHMARKS = Path(__file__).parents[1]


@dataclass(frozen=True)
class Loop:
    """What a loop did in some seconds.

    Attributes:
        per_second: images, of all workers together.
        p50_ms: of one image.
        mean_ms: of one image.
        cpu_ms: that one image takes of a core.
    """

    per_second: float
    p50_ms: float
    mean_ms: float
    cpu_ms: float


def limit(served: Served, jpegs: Jpegs, decoder: Decoder, workers: Workers, seconds: float) -> Loop:
    """The loop on every core."""
    return _start(served, jpegs, decoder, workers, count=os.cpu_count() or 1, seconds=seconds)


def loop(served: Served, jpegs: Jpegs, decoder: Decoder, seconds: float) -> Loop:
    """The loop on one core: what a lone client waits for at least."""
    return _start(served, jpegs, decoder, "threads", count=1, seconds=seconds)


def _start(
    served: Served,
    jpegs: Jpegs,
    decoder: Decoder,
    workers: Workers,
    *,
    count: int,
    seconds: float,
) -> Loop:
    command = [sys.executable, "-m", "serving.limit", str(served.bundle), jpegs.name, decoder]
    done = subprocess.run(
        [*command, workers, str(count), str(seconds)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        cwd=BENCHMARKS,
    )
    return Loop(**json.loads(done.stdout))


@dataclass(frozen=True)
class _Worked:
    """Milliseconds of each image that a worker did, and of CPU for all of them."""

    times: list[float]
    cpu_ms: float


def _work(model: Model, files: list[bytes], wait: Callable[[], Any], seconds: float) -> _Worked:
    for file in files[:20]:
        model.infer(model.decode(file)[None])
    wait()
    times, number, cpu = [], 0, time.thread_time()
    end = time.perf_counter() + seconds
    before = time.perf_counter()
    while before < end:
        model.infer(model.decode(files[number % len(files)])[None])
        after = time.perf_counter()
        times.append((after - before) * 1000)
        before, number = after, number + 1
    return _Worked(times, (time.thread_time() - cpu) * 1000)


def _in_processes(
    bundle: Path, decoder: Decoder, files: list[bytes], count: int, seconds: float
) -> list[_Worked]:
    context = multiprocessing.get_context("fork")
    barrier, answers = context.Barrier(count), context.Queue()

    def work() -> None:
        answers.put(_work(Model(bundle, decoder, 1), files, barrier.wait, seconds))

    processes = [context.Process(target=work) for _ in range(count)]
    for process in processes:
        process.start()
    found = [answers.get() for _ in processes]
    for process in processes:
        process.join()
    return found


def _in_threads(
    bundle: Path, decoder: Decoder, files: list[bytes], count: int, seconds: float
) -> list[_Worked]:
    model, barrier = Model(bundle, decoder, 1), threading.Barrier(count)
    found: list[_Worked] = []
    threads = [
        threading.Thread(
            target=lambda: found.append(_work(model, files, barrier.wait, seconds)),
        )
        for _ in range(count)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def main() -> None:
    """One run, told as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("jpegs", choices=[size.name for size in SIZES])
    parser.add_argument("decoder", choices=["pillow", "ours"])
    parser.add_argument("workers", choices=["processes", "threads"])
    parser.add_argument("count", type=int)
    parser.add_argument("seconds", type=float)
    arguments = parser.parse_args()
    (jpegs,) = (size for size in SIZES if size.name == arguments.jpegs)
    run = _in_processes if arguments.workers == "processes" else _in_threads
    found = run(
        arguments.bundle, arguments.decoder, images(jpegs), arguments.count, arguments.seconds
    )
    times = [each for worker in found for each in worker.times]
    told = Loop(
        per_second=sum(1000 * len(worker.times) / sum(worker.times) for worker in found),
        p50_ms=median(times),
        mean_ms=sum(times) / len(times),
        cpu_ms=sum(worker.cpu_ms for worker in found) / len(times),
    )
    print(json.dumps(vars(told)))


if __name__ == "__main__":
    main()
