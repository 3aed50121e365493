"""Answers as people read them.

Knows nothing of how they were found. Rich is imported where it draws.
"""

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlopsproj_data.validation.findings import Finding, Report, Severity

if TYPE_CHECKING:
    from rich.console import Console

_SPLITS = {"train": "training", "validation": "validation", "test": "test"}
_COLOURS = {Severity.error: "red", Severity.warning: "yellow"}
_FIRST_OFFENDERS = 3
_FIRST_CLASSES = 20
_WIDEST_CHECK = 20
_UNLIMITED_WIDTH = 10_000


def print_facts(facts: Sequence[tuple[str, str]]) -> None:
    """A line for each fact: its name, and what it is."""
    width = max(len(name) for name, _ in facts)
    for name, value in facts:
        print(f"{name:{width}}  {value}")  # noqa: T201 (the command's answer)


def print_prepared(answer: Mapping[str, Any]) -> None:
    """Where a prepared data set lies, and what it holds."""
    counts = ", ".join(f"{answer['counts'][split]:,} {name}" for split, name in _SPLITS.items())
    dropped = ", ".join(f"{count:,} {why}" for why, count in answer["dropped"].items() if count)
    listed = f"; listed in {answer['dropped_file']}" if answer["dropped_file"] else ""
    sides = " x ".join(map(str, answer["image"]))
    how = "found prepared, nothing changed" if answer["reused"] else "prepared now"
    print_facts(
        [
            ("data", f"{answer['name']}: {len(answer['classes'])} classes, {sides}"),
            ("images", counts),
            ("dropped", (dropped or "none") + listed),
            ("folder", f"{answer['folder']} ({how})"),
            ("next", answer["next_command"]),
        ]
    )


def print_selection(document: Mapping[str, Any]) -> None:
    """The predictions that were selected, the most worthwhile first."""
    from rich.table import Table

    console = _console()
    counts = (
        f"{document['predictions']:,} predictions, {document['labelled']:,} labelled,"
        f" {document['without_image']:,} without an image"
    )
    console.print(f"{document['model']}: {counts}")
    table = Table("prediction", "predicted", "probability", "margin", "OOD score", "reason")
    for row in document["selected"]:
        score = row["ood_score"]
        table.add_row(
            row["prediction_id"],
            row["predicted"],
            f"{row['probability']:.3f}",
            f"{row['margin']:.3f}",
            "none" if score is None else f"{score:.3g}",
            f"{row['reason']}: more so than {row['share']:.1%}",
        )
    console.print(table)


def print_report(report: Report) -> None:
    """What was recognised, the images of each class, and each check that found something."""
    from rich.table import Table
    from rich.text import Text

    console = _console()
    total = sum(sum(counts.values()) for counts in report.counts.values())
    what = report.description or f"{total:,} images in {len(report.counts):,} classes"
    console.print(f"{report.name}: {what}")
    columns = [key for key in next(iter(report.counts.values()), {}) if _any(report, key)]
    classes = Table("class")
    for key in columns:
        classes.add_column(_SPLITS.get(key, key), justify="right")
    for name, counts in list(report.counts.items())[:_FIRST_CLASSES]:
        classes.add_row(name, *(f"{counts[key]:,}" for key in columns))
    console.print(classes)
    if len(report.counts) > _FIRST_CLASSES:
        console.print(f"and {len(report.counts) - _FIRST_CLASSES:,} classes more")
    if not report.findings:
        console.print("Nothing is wrong.")
        return
    findings = Table(show_lines=True)
    findings.add_column("check", max_width=_WIDEST_CHECK)
    for head in ("severity", "count", "first offenders"):
        findings.add_column(head)
    for finding in report.findings:
        severity = Text(finding.severity.value, _COLOURS[finding.severity])
        findings.add_row(
            finding.check, severity, f"{len(finding.offenders):,}", _first_offenders(finding)
        )
    console.print(findings)
    for finding in report.findings:
        console.print(f"{finding.check}: {finding.message}", soft_wrap=True)


def _any(report: Report, key: str) -> bool:
    return any(counts[key] for counts in report.counts.values())


def _first_offenders(finding: Finding) -> str:
    first = finding.offenders[:_FIRST_OFFENDERS]
    lines = [f"{each.origin}: {each.detail}".removesuffix(": ") for each in first]
    if len(finding.offenders) > len(first):
        lines.append(f"and {len(finding.offenders) - len(first):,} more")
    return "\n".join(lines)


def _console() -> "Console":
    """Prints values as they are, and a table whole where it does not go to a terminal."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else _UNLIMITED_WIDTH
    return Console(width=width, markup=False, emoji=False, highlight=False)
