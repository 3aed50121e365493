"""Texts of strangers as people are shown them: in one line, and never as orders to a terminal.

Knows nothing of what the texts are.
"""

import unicodedata
from typing import Final

_UNPRINTABLE: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Unicode categories: control characters, bytes that are no text, and what breaks a line."""

_TURNING: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that turn the direction of writing, and so can make a name look like another."""


def is_printable(text: str) -> bool:
    """Whether a text can be shown as it is."""
    return (text.isascii() and text.isprintable()) or not any(map(_is_escaped, text))


def printable(text: str) -> str:
    r"""A text in one line, composed (NFC): `é` is one letter, a newline is written as `\n`."""
    if text.isascii() and text.isprintable():
        return text  # most are
    return "".join(
        letter.encode("unicode_escape").decode() if _is_escaped(letter) else letter
        for letter in unicodedata.normalize("NFC", text)
    )


def _is_escaped(letter: str) -> bool:
    return unicodedata.category(letter) in _UNPRINTABLE or letter in _TURNING
