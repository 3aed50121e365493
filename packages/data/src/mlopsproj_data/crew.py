"""Many records examined on all cores, in their order.

By processes: threads of one would wait for each other between any two steps of an image, which
takes them 1.6 times as long on two cores. Knows nothing of what is done with facts and pixels.
"""

import os
import pickle
import subprocess
import sys
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from contextlib import suppress
from itertools import chain, cycle, islice
from pathlib import Path
from typing import IO, Any, Final, cast

import numpy as np
from mlopsproj_core.cpu import available_cpus
from mlopsproj_core.errors import DataError
from mlopsproj_core.image import ImageSpec

from mlopsproj_data.records import Record
from mlopsproj_data.worker import COMMAND, Batch, examine_batch, read_batch

_BATCH_BYTES: Final = 1 << 20
"""Of pixels, which fit the cache; what is in memory does not grow with their side."""

_LARGEST_BATCH: Final = 32
_FEWEST_FILES: Final = 64
"""For which it pays to start processes."""

_AHEAD: Final = 3
"""Batches that a worker is given before its first answer is taken."""


# Ctrl-C is for the process that started them, which ends them then.
if sys.platform == "win32":
    _APART: Final[dict[str, Any]] = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
else:
    _APART: Final[dict[str, Any]] = {"process_group": 0}


def examine_all(records: Iterable[Record], spec: ImageSpec) -> Generator[Batch]:
    """Examine records, in their order, in batches.

    Files are read and decoded on all cores; what is in memory already is mostly so small that
    handing it over would take longer. Whoever does not take all batches closes the iterator, or
    the processes go on to wait.

    Raises:
        DataError: if the system ends one of the processes.
    """
    records = iter(records)
    head = list(islice(records, _FEWEST_FILES))
    size = max(1, min(_LARGEST_BATCH, _BATCH_BYTES // int(np.prod(spec.shape))))
    batches = _batched(chain(head, records), size)
    many = len(head) == _FEWEST_FILES and all(isinstance(each.image, Path) for each in head)
    workers = available_cpus()
    if many and workers > 1:
        yield from _in_parallel(batches, spec, workers)
    else:
        for batch in batches:
            yield examine_batch(batch, spec)


def _batched(records: Iterator[Record], size: int) -> Iterator[list[Record]]:
    while batch := list(islice(records, size)):
        yield batch


def _in_parallel(batches: Iterator[list[Record]], spec: ImageSpec, count: int) -> Iterator[Batch]:
    """Deal the batches out in turn, and take the answers in the same order."""
    workers: list[_Worker] = []
    try:
        workers += (_Worker(spec) for _ in range(count))
        waiting: deque[_Worker] = deque()
        for worker, batch in zip(cycle(workers), batches, strict=False):
            if len(waiting) == count * _AHEAD:
                yield waiting.popleft().answer()
            worker.ask(batch)
            waiting.append(worker)
        while waiting:
            yield waiting.popleft().answer()
    finally:
        for worker in workers:
            worker.end()


class _Worker:
    """A process at work, which answers in the order in which it is asked."""

    def __init__(self, spec: ImageSpec) -> None:
        self._spec = spec
        self._asked: deque[list[Record]] = deque()
        paths = os.pathsep.join(path for path in sys.path if path)
        self._process: subprocess.Popen[bytes] = subprocess.Popen(  # noqa: S603 (our own code)
            [sys.executable, "-P", "-c", COMMAND],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # One process for each core: no threads of their own beside them.
            env={**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
            **_APART,
        )
        self._input = cast("IO[bytes]", self._process.stdin)
        self._output = cast("IO[bytes]", self._process.stdout)

    def ask(self, records: list[Record]) -> None:
        self._asked.append(records)
        with suppress(OSError):  # it is gone, which is said when its answer is missed
            pickle.dump((records, self._spec), self._input, pickle.HIGHEST_PROTOCOL)
            self._input.flush()

    def answer(self) -> Batch:
        try:
            batch = read_batch(self._output, self._spec)
        except (EOFError, pickle.UnpicklingError) as error:
            records = self._asked[0]
            raise DataError(
                f"A process that read {records[0].origin} to {records[-1].origin} was ended"
                f" (exit code {self._process.wait()}; the system does that when memory runs out)."
                " Run the same command again, which goes on there, with OMP_NUM_THREADS=1 before"
                " it to use one process."
            ) from error
        self._asked.popleft()
        return batch

    def end(self) -> None:
        """Stop at once, whatever it does."""
        self._process.kill()
        with suppress(OSError):  # what was not sent yet
            self._input.close()
        self._output.close()
        self._process.wait()
