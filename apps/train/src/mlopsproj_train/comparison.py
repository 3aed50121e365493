"""What a multirun ends with: its runs side by side, told apart by the settings that differ.

Knows nothing of how a run came about. Their accuracies are of the test set: a choice among many
runs by them flatters the one that is chosen.
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.table import Table
from rich.text import Text

from mlopsproj_train.answers import answer_console, print_json
from mlopsproj_train.config import Output, TrainConfig
from mlopsproj_train.hydra_command import Job
from mlopsproj_train.summary import Summary

RunJob = Job[TrainConfig, Summary]


def compare_runs(jobs: Sequence[RunJob]) -> None:
    """Print one table, or one JSON document, of all runs."""
    if jobs[0].config.output is Output.json:
        print_json([_facts(job) for job in jobs])
    else:
        answer_console().print(_table(jobs))


def _facts(job: RunJob) -> dict[str, Any]:
    settings = list(job.settings)
    if job.result is None:
        return {"settings": settings, "error": str(job.error)}
    return {"settings": settings, "summary": asdict(job.result)}


def _table(jobs: Sequence[RunJob]) -> Table:
    common = set(jobs[0].settings).intersection(*(job.settings for job in jobs))
    table = Table(title=f"{len(jobs)} runs", title_justify="left")
    for column in ("settings", "accuracy", "95 % interval", "version", "run folder"):
        table.add_column(column, overflow="fold")
    for job in jobs:
        settings = " ".join(text for text in job.settings if text not in common)
        run = job.result
        if run is None:
            table.add_row(settings, Text("failed", style="red"), "", "", "")
            continue
        low, high = run.accuracy_interval
        table.add_row(
            settings,
            f"{run.accuracy:.4f}",
            f"{low:.4f} to {high:.4f}",
            f"{run.model}:{run.version} ({run.alias})",
            run.run_dir,
        )
    return table
