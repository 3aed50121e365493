"""What a sweep ends with: its trials, best first, and the command that trains the best one.

The accuracies are of the validation images, by which the best is chosen, so its own is flattering;
the test images are left for the run that trains it. Knows nothing of how trials came about.
"""

import shlex
from collections import Counter
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from mlopsproj_train.sweeping.outcomes import TrialResult, best, results
from mlopsproj_train.sweeping.study import Sweep


def read_results(sweep: Sweep) -> list[TrialResult]:
    """The trials of a sweep as its study knows them now, best first."""
    return results(sweep.study.get_trials(deepcopy=False), sweep.beginning.space)


def best_command(sweep: Sweep, rows: Sequence[TrialResult]) -> str | None:
    """What a user types to train the best trial's settings and publish them; None without one."""
    leader = best(rows)
    if leader is None:
        return None
    found = [f"{key}={text}" for key, text in leader.settings.items()]
    return shlex.join(["uv", "run", "train", *sweep.beginning.settings, *found])


def facts(sweep: Sweep, rows: Sequence[TrialResult], figures: Sequence[str]) -> dict[str, Any]:
    """The whole of it as one JSON document."""
    leader = best(rows)
    return {
        "name": sweep.name,
        "storage": sweep.storage,
        "data": sweep.beginning.data,
        "data_fingerprint": sweep.beginning.fingerprint,
        "validation_images": sweep.beginning.validation_images,
        "space": sweep.beginning.space.document(),
        "best": leader.number if leader else None,
        "trials": [_facts(sweep, row) for row in rows],
        "figures": list(figures),
        "next_command": best_command(sweep, rows),
    }


def _facts(sweep: Sweep, row: TrialResult) -> dict[str, Any]:
    return {
        "number": row.number,
        "state": row.outcome.value,
        "settings": row.settings,
        "validation_accuracy": row.accuracy,
        "epochs": len(row.accuracies),
        "folder": str(sweep.folder / "trials" / str(row.folder)),
        "error": row.error,
    }


def print_report(
    console: Console, sweep: Sweep, rows: Sequence[TrialResult], figures: Sequence[str]
) -> None:
    """Show the trials, and what to type next."""
    console.print(_table(sweep, rows))
    notes = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    notes.add_column(style="cyan")
    notes.add_column(overflow="fold")
    for name, value in _notes(sweep, rows, figures):
        notes.add_row(name, value)
    console.print(notes)


def _table(sweep: Sweep, rows: Sequence[TrialResult]) -> Table:
    counts = Counter(row.outcome for row in rows)
    told = ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
    table = Table(title=f"sweep {sweep.name}: {told or 'no trial'}", title_justify="left")
    keys = list(sweep.beginning.space.parameters)
    for column in ("trial", *keys, "validation accuracy", "epochs", "state"):
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(
            str(row.number),
            *(row.settings.get(key, "") for key in keys),
            "" if row.accuracy is None else f"{row.accuracy:.4f}",
            str(len(row.accuracies)),
            row.outcome.value,
        )
    return table


def _notes(
    sweep: Sweep, rows: Sequence[TrialResult], figures: Sequence[str]
) -> list[tuple[str, str]]:
    beginning = sweep.beginning
    notes = [
        ("data", f"{beginning.data}: judged on {beginning.validation_images:,} validation images"),
        ("study", f"{sweep.name} in {sweep.storage}"),
    ]
    failed = [row for row in rows if row.error]
    if failed:
        notes.append(("failed", f"trial {failed[-1].number}: {failed[-1].error}"))
    if figures:
        notes.append(("figures", ", ".join(figures)))
    command = best_command(sweep, rows)
    if command:
        notes.append(("next", command))
    return notes
