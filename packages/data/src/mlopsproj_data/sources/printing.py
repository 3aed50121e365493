"""Names of files as people are shown them: one line, whatever a file may be called.

Knows nothing of files.
"""

from collections.abc import Sequence

from mlopsproj_core.printing import printable

__all__ = ["listed", "plural", "printable"]


def plural(count: int, noun: str, plural_noun: str | None = None) -> str:
    """A number with its noun: "1 image", "2,062 images"."""
    return f"{count:,} {noun if count == 1 else plural_noun or noun + 's'}"


def listed(names: Sequence[str], most: int = 5) -> str:
    """The first few of many names, and how many more there are."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
