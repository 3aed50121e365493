"""Where a command's messages go: to stderr, and into the log file of a run.

Knows nothing of what they say.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mlopsproj_core import events

_PACKAGES = "mlopsproj"
_QUIET = ("pytorch_lightning", "lightning.pytorch", "lightning_fabric", "lightning.fabric")


class _Ours(logging.Filter):
    """Lets our own messages through, and other libraries' warnings."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.name.startswith(_PACKAGES) or record.levelno >= logging.WARNING


def _for_people(record: logging.LogRecord) -> bool:
    """All but what is meant for programs: an event is a long line of JSON."""
    return record.name != events.__name__ or record.levelno >= logging.WARNING


def set_up_logging() -> None:
    """Show messages on stderr, so that stdout holds results only."""
    console = logging.StreamHandler()
    console.addFilter(_Ours())
    console.addFilter(_for_people)
    console.setFormatter(logging.Formatter("%(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[console], force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


@contextmanager
def quiet_console() -> Iterator[None]:
    """Show warnings alone on stderr; the log file of a run still gets everything."""
    handlers = [h for h in logging.getLogger().handlers if not isinstance(h, _FileHandler)]
    levels = [handler.level for handler in handlers]
    for handler in handlers:
        handler.setLevel(logging.WARNING)
    try:
        yield
    finally:
        for handler, level in zip(handlers, levels, strict=True):
            handler.setLevel(level)


class _FileHandler(logging.FileHandler):
    """Ends the run where logging would print a traceback and go on, e.g. on a full disk."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (logging's name)
        del record
        raise  # noqa: PLE0704 (called by logging while it handles the error)


@contextmanager
def log_file(path: Path) -> Iterator[None]:
    """Append messages to `path` too, with their time, and what ended the block, if an error did."""
    handler = _FileHandler(path, encoding="utf-8")
    handler.addFilter(_Ours())
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.getLogger().addHandler(handler)
    try:
        yield
    except BaseException as error:
        # The command tells it on stderr when it ends.
        text = f"ended by {type(error).__name__}: {error}"
        record = logging.LogRecord(__name__, logging.ERROR, __file__, 0, text, None, None)
        with suppress(OSError):
            handler.handle(record)
        raise
    finally:
        logging.getLogger().removeHandler(handler)
        handler.close()
