"""Where a command's messages go: to stderr, and into the log file of a run.

Knows nothing of what they say.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PACKAGES = "mlopsproj"
_QUIET = ("pytorch_lightning", "lightning.pytorch", "lightning_fabric", "lightning.fabric")


class _Ours(logging.Filter):
    """Lets our own messages through, and other libraries' warnings."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.name.startswith(_PACKAGES) or record.levelno >= logging.WARNING


def set_up_logging() -> None:
    """Show messages on stderr, so that stdout holds results only."""
    console = logging.StreamHandler()
    console.addFilter(_Ours())
    console.setFormatter(logging.Formatter("%(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[console], force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


@contextmanager
def log_file(path: Path) -> Iterator[None]:
    """Append messages to `path` too, with their time."""
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.addFilter(_Ours())
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)
        handler.close()
