"""Tables in Markdown, with what may stand in a cell. Knows nothing of what is told."""

from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; cells may hold Markdown, and a `|` is told as one."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(_cell(cell) for cell in line)} |\n" for line in lines)


def code(text: object) -> str:
    """Text as it is typed; nothing for an empty one."""
    return f"`{text}`" if str(text) else ""


def sentence(text: str) -> str:
    """Text that begins with a capital and ends with a full stop."""
    text = text.strip()
    first = text if text.startswith("`") else text[:1].upper() + text[1:]
    return first if first.endswith((".", "!", "?")) else f"{first}."


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
