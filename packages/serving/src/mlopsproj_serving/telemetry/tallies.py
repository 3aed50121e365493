"""Numbers that the processes of one service count in, and that any of them can read.

A process counts in memory of its own, which is a file in a folder that all share: counting costs
no more than adding to a number in memory, what a process counted outlives it, and a process that
takes its place goes on from there. Knows nothing of what is counted, nor of Prometheus.
(`prometheus_client` has files too: a number there costs a key, a lock, a call and a packing of
its own, ten times as much in all.)
"""

import json
import mmap
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

CAPACITY = 1 << 18
"""Numbers of a process at most."""

_BYTES = 8
_SPARE = 64  # at the end, for series that find no space: counted in, and never read
_NAMES = ".names"
_VALUES = ".values"
_ALONE = "a service is one process on Windows, where none can be handed a connection"


@dataclass(frozen=True, slots=True)
class Series:
    """Neighbouring numbers under one name.

    Attributes:
        name: of the metric.
        labels: their values, in the order in which the metric names them.
        first: index of the first number.
        size: how many numbers.
    """

    name: str
    labels: tuple[str, ...]
    first: int
    size: int


class Tallies:
    """The numbers of this process.

    Attributes:
        values: all of them; whoever adds to one holds a lock, since adding reads and writes.
        series: what they are, by name and labels.
        worker: number of this process among those that share the folder: the lowest that none
            of the living has.
    """

    def __init__(self, folder: Path | None = None) -> None:
        """Begin at nought, or where a dead process of the folder ended.

        Args:
            folder: that exists and that all processes of the service share; None if there is
                one process, as there always is on Windows.
        """
        self.folder = folder
        self.worker = 0
        self.series: dict[tuple[str, tuple[str, ...]], Series] = {}
        self._names = -1
        self._used = 0
        if folder is None:
            memory = mmap.mmap(-1, CAPACITY * _BYTES)
        else:
            self.worker, self._names = _claim(folder)
            file = os.open(folder / f"{self.worker}{_VALUES}", os.O_RDWR | os.O_CREAT, 0o600)
            try:
                _allocate(file, CAPACITY * _BYTES)
                memory = mmap.mmap(file, CAPACITY * _BYTES)
            finally:
                os.close(file)
            self._go_on()
        self.values = memoryview(memory).cast("d")

    def _go_on(self) -> None:
        """Know what a dead process counted; half a line at the end was never counted in."""
        os.lseek(self._names, 0, os.SEEK_SET)
        text = os.read(self._names, os.fstat(self._names).st_size)
        whole = text.rfind(b"\n") + 1
        os.ftruncate(self._names, whole)
        for series in _read_names(text[:whole]):
            self.series[series.name, series.labels] = series
            self._used += series.size

    def find(self, name: str, labels: tuple[str, ...], size: int) -> Series:
        """The numbers under a name and labels, made if there are none; under the caller's lock.

        Args:
            name: of the metric.
            labels: their values.
            size: how many numbers, at most 64.
        """
        found = self.series.get((name, labels))
        if found is not None:
            return found
        if self._used + size > CAPACITY - _SPARE:
            return Series(name, labels, CAPACITY - _SPARE, size)
        if self._names >= 0 and not self._wrote_down(name, labels, size):
            return Series(name, labels, CAPACITY - _SPARE, size)
        series = self.series[name, labels] = Series(name, labels, self._used, size)
        self._used += size
        return series

    def _wrote_down(self, name: str, labels: tuple[str, ...], size: int) -> bool:
        line = json.dumps([name, labels, size]).encode() + b"\n"
        before = os.fstat(self._names).st_size
        try:
            if os.write(self._names, line) == len(line):
                return True
            os.ftruncate(self._names, before)  # half a line
        except OSError:  # the disk is full: what cannot be counted must not fail
            pass
        return False

    def read_all(self) -> "list[WorkerTallies]":
        """The numbers of every process that counted in the folder, dead or alive."""
        if self.folder is None:
            series, used = list(self.series.values()), self._used
            return [WorkerTallies(0, self.values[:used].tolist(), series, alive=True)]
        return list(_read_folder(self.folder, self.worker))

    def close(self) -> None:
        """Leave the numbers to the next process; nothing is counted after."""
        if self._names >= 0:
            os.close(self._names)
            self._names = -1


@dataclass(frozen=True, slots=True)
class WorkerTallies:
    """The numbers of one process as they were read.

    Attributes:
        worker: its number.
        values: all of them.
        series: what they are.
        alive: whether it runs.
    """

    worker: int
    values: Sequence[float]
    series: list[Series]
    alive: bool


def _allocate(file: int, size: int) -> None:
    """Make a file that large. Where a sparse one finds the disk full, the process is killed."""
    if hasattr(os, "posix_fallocate"):  # not on macOS
        os.posix_fallocate(file, 0, size)
    else:
        os.ftruncate(file, size)


def _claim(folder: Path) -> tuple[int, int]:
    """Take the lowest number that no living process has; the kernel gives it back at our end."""
    if sys.platform == "win32":
        raise AssertionError(_ALONE)
    import fcntl  # noqa: PLC0415 (not on Windows)

    for worker in count():
        file = os.open(
            folder / f"{worker}{_NAMES}", os.O_RDWR | os.O_CREAT | os.O_APPEND, mode=0o600
        )
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
        else:
            return worker, file
    raise AssertionError


def _read_folder(folder: Path, own: int) -> Iterator[WorkerTallies]:
    for path in sorted(folder.glob(f"*{_NAMES}"), key=lambda path: int(path.stem)):
        worker = int(path.stem)
        with path.open("rb") as names:
            alive = worker == own or _is_locked(names.fileno())
            text = names.read()
        series = _read_names(text[: text.rfind(b"\n") + 1])
        values = memoryview(bytearray(sum(one.size for one in series) * _BYTES))
        try:
            with path.with_suffix(_VALUES).open("rb") as file:
                file.readinto(values)
        except FileNotFoundError:  # the process is just beginning
            continue
        yield WorkerTallies(worker, values.cast("d").tolist(), series, alive=alive)


def _is_locked(file: int) -> bool:
    if sys.platform == "win32":
        raise AssertionError(_ALONE)
    import fcntl  # noqa: PLC0415 (not on Windows)

    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    fcntl.flock(file, fcntl.LOCK_UN)
    return False


def _read_names(text: bytes) -> list[Series]:
    found: list[Series] = []
    first = 0
    for line in text.splitlines():
        name, labels, size = json.loads(line)
        found.append(Series(name, tuple(labels), first, size))
        first += size
    return found
