"""Which pages there are, where they lie, and whether they are what the code says."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from reference_pages import commands, environment, errors, http, metrics, settings

ROOT: Final = Path(__file__).parents[2]
FOLDER: Final = ROOT / "docs" / "reference"

PAGES: Final[dict[str, Callable[[], str]]] = {
    "settings.md": lambda: settings.page(ROOT / "configs"),
    "commands.md": commands.page,
    "environment.md": environment.page,
    "http-api.md": http.page_of_the_api,
    "http-monitor.md": http.page_of_the_monitor,
    "metrics.md": metrics.page,
    "errors.md": errors.page,
}
_NOTE: Final = "<!-- Written from the code by `nox -s docs -- --write`: change it there. -->"


def text_of(name: str) -> str:
    """What a page must hold.

    Raises:
        UndescribedError: if the code does not describe all of it.
    """
    title, rest = PAGES[name]().split("\n", 1)
    return f"{title}\n\n{_NOTE}\n{rest}"  # the site calls a page what stands in its first line


def write() -> None:
    """Write every page."""
    for name in PAGES:
        (FOLDER / name).write_text(text_of(name), encoding="utf-8")


def outdated() -> list[str]:
    """Names of the pages that are missing or are not what the code says."""
    return [
        name
        for name in PAGES
        if not (file := FOLDER / name).exists() or file.read_text(encoding="utf-8") != text_of(name)
    ]
