"""What `evaluate robustness=true` adds: a model on spoilt images, as table, figures and JSON.

Knows nothing of how images are spoilt and where the model comes from.
"""

from pathlib import Path
from typing import Any

from mlopsproj_core.labelled import LabelledImages
from mlopsproj_core.predictor import Predictor
from mlopsproj_evaluation import measure_robustness
from mlopsproj_evaluation.corruptions.corruption import SEVERITIES
from mlopsproj_evaluation.robustness.figures import write_robustness_figures
from mlopsproj_evaluation.robustness.report import robustness_document
from mlopsproj_evaluation.robustness.shifts import Shifts
from rich.table import Table

from mlopsproj_train.answers import answer_console
from mlopsproj_train.progress import progress_bar


def judge_robustness(
    name: str, predictor: Predictor, images: LabelledImages, folder: Path
) -> dict[str, Any]:
    """Measure, and draw the figures.

    Args:
        name: of the model, for the progress bar.
        predictor: that is judged.
        images: that are spoilt.
        folder: of the figures.

    Returns:
        What the report tells; see `robustness_document`.
    """
    shifts = Shifts()
    with progress_bar(f"judging {name} on spoilt images") as report_progress:
        robustness = measure_robustness(
            predictor.run, images, progress=report_progress, observe=shifts.observe
        )
    write_robustness_figures(robustness, images, folder)
    return robustness_document(robustness, shifts)


def print_robustness(document: dict[str, Any]) -> None:
    """Print the table of what `judge_robustness` told."""
    accuracy, clean = document["corruption_accuracy"], document["clean_accuracy"]
    title = (
        f"mean corruption accuracy {accuracy['value']:.4f} ({_interval(accuracy)}) on"
        f" {document['images']:,} images, {clean['value']:.4f} as they were"
    )
    table = Table(title=title, title_justify="left")
    for column in ("corruption", *map(str, SEVERITIES), "mean", "95 % interval"):
        table.add_column(column, no_wrap=True)
    table.add_column("drift detectors should see, from severity", overflow="fold")
    rows = [
        ("all", document["by_severity"], accuracy, ""),
        *(
            (row["name"].replace("_", " "), row["by_severity"], row["accuracy"], _seen(row))
            for row in document["corruptions"]
        ),
    ]
    for name, by_severity, mean, seen in rows:
        shown = (f"{figure['value']:.2f}" if figure else "none" for figure in by_severity)
        table.add_row(name, *shown, f"{mean['value']:.3f}", _interval(mean), seen)
    answer_console().print(table)


def _interval(figure: dict[str, float]) -> str:
    return f"{figure['low']:.3f} to {figure['high']:.3f}"


def _seen(row: dict[str, Any]) -> str:
    """Signals, the one that shows most first."""
    first = sorted(row["seen_from"].items(), key=lambda item: item[1])
    return ", ".join(f"{signal} {severity}" for signal, severity in first) or "nothing"
