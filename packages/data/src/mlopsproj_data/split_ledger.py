"""Choices between splits that follow from more than an image itself, recorded once and for ever.

    {"key": "anna", "choice": "test", "taken": true}

One line for each choice; the first one for a key counts, and no line is ever changed. A line that
a killed process left torn is ignored. Knows nothing of how a choice is made.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from mlopsproj_core.file_lock import locked

Choices = Mapping[tuple[str, str], bool]
"""Whether a key is taken, by the name of the choice and the key."""


def ledger_file(prepared_dir: Path, name: str) -> Path:
    """Where the choices of a data set are recorded."""
    return prepared_dir / f"{name}.splits.jsonl"


def read_ledger(path: Path) -> dict[tuple[str, str], bool]:
    """All choices; none if there is no such file.

    Raises:
        OSError: if it cannot be read.
    """
    choices: dict[tuple[str, str], bool] = {}
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return choices
    for line in lines:
        with suppress(ValueError, KeyError, TypeError):
            row = json.loads(line)
            choices.setdefault((row["choice"], row["key"]), row["taken"] is True)
    return choices


def append_to_ledger(path: Path, choices: Choices) -> None:
    """Record choices, in one write; the caller holds `ledger_lock`.

    Raises:
        OSError: if the disk is full.
    """
    rows = [
        json.dumps({"key": key, "choice": choice, "taken": taken})
        for (choice, key), taken in choices.items()
    ]
    with path.open("ab+") as file:
        torn = False
        if file.tell():
            file.seek(-1, 2)
            torn = file.read(1) != b"\n"
        file.write(("\n" * torn + "\n".join(rows) + "\n").encode())


@contextmanager
def ledger_lock(path: Path) -> Iterator[None]:
    """While it is held, no other process records choices; the folder is made.

    Raises:
        OSError: if it cannot be written.
    """
    lock = path.with_name(f".{path.name}.lock")
    with locked(lock):
        try:
            yield
        finally:
            with suppress(OSError):  # Windows keeps what is open
                lock.unlink()
