"""Ids that carry their time and sort by it: UUID version 7, RFC 9562.

Knows nothing of what they name.
"""

import os
import re
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

_CANONICAL = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.ASCII
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_COUNTER_BITS = 42
_RANDOM_BYTES = 10
_IDS_AHEAD = 256

_lock = threading.Lock()
_last_milliseconds = 0
_counter = 0
_entropy: Iterator[int] = iter(())
"""Of the next ids: each call to the system lets go of the interpreter, which costs more than it."""


def uuid7() -> str:
    """A new id in its canonical form of 36 characters.

    The ids of one process sort in the order in which they were made, whichever threads made them
    and whatever the clock did meanwhile: within a millisecond a counter of 42 bits rises from a
    random start below half its range (RFC 9562, section 6.2, method 1). Another 32 bits are random
    in every id, so that processes, forked ones too, do not meet.
    """
    global _last_milliseconds, _counter  # noqa: PLW0603 (one order per process is the promise)
    with _lock:
        random = _next_random()
        milliseconds = time.time_ns() // 1_000_000
        if milliseconds > _last_milliseconds:
            _last_milliseconds = milliseconds
            _counter = random >> (80 - _COUNTER_BITS + 1)
        else:
            _counter += 1
            if _counter >> _COUNTER_BITS:
                _last_milliseconds += 1
                _counter = 0
        milliseconds, counter = _last_milliseconds, _counter
    # 48 bits of time, version 7, counter (12), variant 0b10, counter (30), random (32).
    digits = (
        f"{milliseconds:012x}7{counter >> 30:03x}"
        f"{2 << 62 | (counter & 0x3FFFFFFF) << 32 | random & 0xFFFFFFFF:016x}"
    )
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _next_random() -> int:
    """80 random bits, drawn from the system for many ids at once."""
    global _entropy  # noqa: PLW0603 (belongs to the lock, as the counter does)
    if (random := next(_entropy, None)) is None:
        drawn = os.urandom(_IDS_AHEAD * _RANDOM_BYTES)
        _entropy = (
            int.from_bytes(drawn[start : start + _RANDOM_BYTES], "big")
            for start in range(0, len(drawn), _RANDOM_BYTES)
        )
        random = next(_entropy)
    return random


def _after_fork() -> None:
    """A child draws for itself, whoever held the lock when it was made."""
    global _lock, _entropy
    _lock, _entropy = threading.Lock(), iter(())


if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    os.register_at_fork(after_in_child=_after_fork)


def time_of(id: str) -> datetime | None:  # noqa: A002 (what the field of a record is called)
    """When an id was made, to the millisecond in UTC; None for text that `uuid7` never makes."""
    if _CANONICAL.fullmatch(id) is None:
        return None
    try:
        return _EPOCH + timedelta(milliseconds=int(id[:8] + id[9:13], 16))
    except OverflowError:  # after the year 9999
        return None
