"""A process that examines records for another one, until that one goes away.

Batches of records come in on standard input, facts and pixels go out on standard output; `crew` is
at the other end. Not by multiprocessing, whose new processes run the user's script again.
"""

import os
import pickle
import sys
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Thread
from typing import IO, Any, Final

import numpy as np
from mlopsproj_core.image import ImageSpec, Pixels

from mlopsproj_data.examination import examine
from mlopsproj_data.records import Record

COMMAND: Final = "from mlopsproj_data.worker import main; main()"
"""What Python runs in such a process."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Some records, one after the other.

    Attributes:
        facts: a row for each record, as `examination.EXAMINED` says, without a split.
        pixels: `(images, height, width, channels)` uint8 of those without a problem.
    """

    facts: list[dict[str, Any]]
    pixels: Pixels


def examine_batch(records: list[Record], spec: ImageSpec) -> Batch:
    """Examine some records."""
    examined = examine(records, spec)
    pixels = [item.pixels for item in examined if item.pixels is not None]
    stacked = np.stack(pixels) if pixels else np.empty((0, *spec.shape), dtype=np.uint8)
    return Batch([item.facts for item in examined], stacked)


def main() -> None:
    """Answer batch after batch."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever prints, does not print there
    tasks: SimpleQueue[tuple[list[Record], ImageSpec] | None] = SimpleQueue()
    Thread(target=_read_ahead, args=(sys.stdin.buffer, tasks), daemon=True).start()
    while task := tasks.get():
        batch = examine_batch(*task)
        try:
            write_batch(answers, batch)
        except OSError:  # of a broken pipe, which has two names on Windows
            os._exit(0)  # nobody wants the answer


def _read_ahead(file: IO[bytes], tasks: "SimpleQueue[Any]") -> None:
    """Take what is sent at once, so that the sender never waits while its answer waits for it."""
    try:
        while True:
            tasks.put(pickle.load(file))  # noqa: S301 (from the process that started this one)
    except (EOFError, pickle.UnpicklingError):
        tasks.put(None)


def write_batch(file: IO[bytes], batch: Batch) -> None:
    """Send a batch to the process that waits for it.

    Raises:
        OSError: if it went away.
    """
    pickle.dump(batch.facts, file, pickle.HIGHEST_PROTOCOL)
    file.write(batch.pixels.data)
    file.flush()


def read_batch(file: IO[bytes], spec: ImageSpec) -> Batch:
    """Receive what `write_batch` sent.

    Raises:
        EOFError: if the process ended.
    """
    facts = pickle.load(file)  # noqa: S301 (from a process that this one started)
    count = sum(row["problem"] is None for row in facts)
    pixels = np.empty((count, *spec.shape), dtype=np.uint8)
    view = pixels.data.cast("B") if count else memoryview(b"")
    while view:
        received = file.readinto(view)  # type: ignore[attr-defined]  # of a buffered reader
        if not received:
            raise EOFError
        view = view[received:]
    return Batch(facts, pixels)
