"""Solar cells of another kind come up, and the way back from that, unattended.

A model is trained on monocrystalline cells and serves; polycrystalline ones come up, the monitor
alarms, labels come back, a new model is trained with them, passes the gates and takes over. Ends
with 1 if any of it did not happen. The first model is kept in the folder: what was interrupted
goes on there, and the rest is done anew each time.

Run: uv run nox -s showcase, or from benchmarks/ python -m showcase FOLDER
"""

import argparse
import sys
import time
from dataclasses import asdict
from pathlib import Path

from measurement import store
from rich.console import Console
from rich.table import Table
from serving.server import end_on_signals

from showcase.figure import draw
from showcase.journal import Journal
from showcase.story import Story
from showcase.workplace import ROOT, CommandError, Workplace

FIGURE = ROOT / "docs" / "images" / "showcase.png"


def main() -> int:
    """Do all of it, and show what happened."""
    parser = argparse.ArgumentParser(prog="showcase", description=__doc__)
    parser.add_argument("folder", type=Path, help="for everything that is made, e.g. /tmp/showcase")
    parser.add_argument("--figure", type=Path, default=FIGURE, help="where it is drawn")
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    end_on_signals()
    journal, started = Journal(), time.monotonic()
    try:
        Story(Workplace(folder), journal).tell()
    except (CommandError, RuntimeError, TimeoutError) as error:
        journal.expect("every step can be done", happened=False, found=error)
    seconds = time.monotonic() - started
    if journal.points:
        draw(journal.points, journal.phases, journal.events, arguments.figure)
    _show(journal, seconds)
    if journal.failed:
        print(f"{len(journal.failed)} did not happen; what was done lies in {folder}.")
        return 1
    store("showcase", {"seconds": round(seconds), **asdict(journal)})
    return 0


def _show(journal: Journal, seconds: float) -> None:
    table = Table("", "what had to happen", "what was seen", title=f"{seconds / 60:.1f} minutes")
    for each in journal.expectations:
        table.add_row("yes" if each.happened else "NO", each.what, each.found)
    Console(width=120).print(table)


if __name__ == "__main__":
    sys.exit(main())
