"""Progress bars on stderr, for people only: nothing is drawn where nobody looks.

Knows nothing of what is counted.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from mlopsproj_data import DataConfig, LabelledSource, PreparedDataset

Report = Callable[[int, int], None]
"""Told how many are done, and of how many."""


@contextmanager
def progress_bar(title: str) -> Iterator[Report]:
    """A bar that is gone when it is done."""
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    )
    with bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def prepare_with_progress(config: "DataConfig", source: "LabelledSource") -> "PreparedDataset":
    """The prepared data set, made now or found made before.

    Args:
        config: of the data.
        source: that it was recognised as.

    Raises:
        DataError: if its source cannot be used.
    """
    from mlopsproj_data import prepare  # reads Parquet, which `predict` has no need of
    from mlopsproj_data.labelling.log_location import log_for

    with progress_bar("preparing images") as report:
        return prepare(config, source=source, log=log_for(config), progress=report)
