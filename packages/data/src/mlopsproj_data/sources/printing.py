"""Names of files as people are shown them: one line, whatever a file may be called.

Knows nothing of files.
"""

import unicodedata
from collections.abc import Sequence
from typing import Final

_UNPRINTABLE: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Unicode categories: control characters, bytes that are no text, and what breaks a line."""

_TURNING: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that turn the direction of writing, and so can make a name look like another."""


def printable(name: str) -> str:
    r"""A name in one line, composed (NFC): `é` is one letter, a newline is written as `\n`."""
    if name.isascii() and name.isprintable():
        return name  # most are
    return "".join(
        letter.encode("unicode_escape").decode()
        if unicodedata.category(letter) in _UNPRINTABLE or letter in _TURNING
        else letter
        for letter in unicodedata.normalize("NFC", name)
    )


def plural(count: int, noun: str, plural_noun: str | None = None) -> str:
    """A number with its noun: "1 image", "2,062 images"."""
    return f"{count:,} {noun if count == 1 else plural_noun or noun + 's'}"


def listed(names: Sequence[str], most: int = 5) -> str:
    """The first few of many names, and how many more there are."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
