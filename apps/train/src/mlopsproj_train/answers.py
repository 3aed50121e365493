"""What a command answers on stdout: tables for people, or one JSON document.

Names are shown as they are, whatever brackets they hold, and nothing is cut where stdout is a file
or a pipe. Knows nothing of what is answered.
"""

import json
import os
import sys
from pathlib import Path

from rich.console import Console

_UNCUT = 10_000


def answer_console() -> Console:
    """For tables on stdout."""
    width = None if sys.stdout.isatty() else _UNCUT
    return Console(width=width, markup=False, emoji=False, highlight=False)


def print_json(document: object) -> None:
    """Print one JSON document."""
    print(json.dumps(document, indent=2))  # noqa: T201 (the command's answer)


def shown(path: Path) -> str:
    """A path as text that can be printed, also where its bytes are no Unicode."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
