"""How every command ends: one clear line on stderr and an exit code that says what happened.

Exit codes: 0 done, 1 failure, 2 usage, 3 the answer is no, 4 undecided, 130 interrupted.
Knows nothing of what a command does or how its arguments are read.
"""

import codecs
import errno
import os
import sys
from collections.abc import Callable
from io import TextIOWrapper

from mlopsproj_core.errors import MlopsprojError

INTERRUPTED = 130

_ANYTHING = "mlopsproj"
_BYTES = range(0xDC80, 0xDD00)
"""Of a file's name that was no text, as Python holds it."""


def run_command(command: Callable[[], None]) -> None:
    """Run `command` and end the process with its exit code.

    It may print anything: a character that stdout's encoding lacks, as that of a file on Windows
    lacks most, is told by its number.

    An expected error becomes one message without a traceback; an unexpected one keeps its
    traceback, since it is a defect of ours that somebody has to find.
    """
    codecs.register_error(_ANYTHING, _told_or_as_it_came)
    handlers = {
        "strict": "backslashreplace",
        "surrogateescape": _ANYTHING,
    }  # the latter of LC_ALL=C
    if isinstance(sys.stdout, TextIOWrapper) and sys.stdout.errors in handlers:
        sys.stdout.reconfigure(errors=handlers[sys.stdout.errors])
    try:
        _run_and_flush(command)
    except MlopsprojError as error:
        _end(str(error), error.exit_code)
    except KeyboardInterrupt as interrupt:
        _end(str(interrupt) or "Interrupted.", INTERRUPTED)
    except OSError as error:
        if _is_broken_pipe(error):
            _drop_output()
            sys.exit(1)
        if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
        where = f" at {error.filename}" if error.filename else ""
        _end(f"The disk is full{where}: free some space and run the command again.", 1)


def _told_or_as_it_came(error: UnicodeError) -> tuple[bytes, int]:
    """Characters by their numbers, and what was no text byte for byte."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    parts = [
        bytes([ord(each) - 0xDC00])
        if ord(each) in _BYTES
        else each.encode("ascii", "backslashreplace")
        for each in error.object[error.start : error.end]
    ]
    return b"".join(parts), error.end


def _run_and_flush(command: Callable[[], None]) -> None:
    """What stays in the buffer would fail when Python ends, with an exit code of its own."""
    try:
        command()
    except SystemExit:  # of a library that reads arguments
        sys.stdout.flush()
        raise
    sys.stdout.flush()


def _is_broken_pipe(error: OSError) -> bool:
    """Whether nobody reads stdout any more, e.g. `| head`, which has read enough."""
    if isinstance(error, BrokenPipeError):
        return True
    if sys.platform != "win32" or error.errno != errno.EINVAL:
        return False
    try:  # Windows tells it so, among other things (python/cpython#79935)
        sys.stdout.flush()
    except OSError:
        return True
    return False


def _end(message: str, code: int) -> None:
    try:
        sys.stdout.flush()
    except OSError:
        _drop_output()
    sys.stderr.write(f"error: {message}\n" if code != INTERRUPTED else f"{message}\n")
    sys.exit(code)


def _drop_output() -> None:
    """Let what is left in stdout's buffer go nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
