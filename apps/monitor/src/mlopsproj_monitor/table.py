"""A check as a person reads it. Knows nothing of how it was made."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlopsproj_records.drift_history import DriftCheckRecord
    from rich.console import Console

    from mlopsproj_monitor.checks import Checked

_STYLES = {"drift": "bold red", "no drift": "green", "not enough data": "yellow"}
_UNLIMITED_WIDTH = 10_000


def print_check(checked: "Checked", *, alias: str | None) -> None:
    """Show a check on stdout, as wide as it is where nobody reads it on a terminal."""
    import sys

    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(width=None if sys.stdout.isatty() else _UNLIMITED_WIDTH, highlight=False)
    record, check = checked.record, checked.check
    title = f"{record.model}:{record.version}" + (f" (@{alias})" if alias else "")
    verdict = Text(record.verdict, style=_STYLES[record.verdict])
    console.print(Text.assemble(title, ": ", verdict, _confidence(record, check.alpha)))
    _print_window(console, record)
    for text in check.changed:
        console.print(f"  changed: {text}")
    for note in check.notes:
        console.print(f"  note: {note}")
    if not check.detectors:
        return
    table = Table("looks at", "effect", "", "p", "drift", "images needed", box=None, pad_edge=False)
    for each in sorted(check.detectors, key=lambda each: (not each.drifted, each.p_value)):
        table.add_row(
            each.name,
            f"{each.effect:.3f}",
            each.effect_unit,
            f"{each.p_value:.4f}",
            Text("yes", style="bold red") if each.drifted else "no",
            "-" if each.samples_needed is None else f"{each.samples_needed:,}",
        )
    console.print(table)


def _confidence(record: "DriftCheckRecord", alpha: float) -> str:
    return "" if record.p_value is None else f" (p {record.p_value:.4g}, alpha {alpha:g})"


def _print_window(console: "Console", record: "DriftCheckRecord") -> None:
    document = record.document
    window = f"{record.images:,} images"
    if record.since is not None and record.until is not None:
        window += f" from {_minute(record.since)} to {_minute(record.until)} UTC"
    console.print(f"window {window}, of {document['reference_images']:,} in the reference")
    told = [
        f"{word} {_share(document[key])}"
        for key, word in (
            ("estimated_accuracy", "estimated"),
            ("accuracy", f"of {document['labelled']:,} labelled images"),
            ("reference_accuracy", "of the reference"),
        )
        if document[key] is not None
    ]
    console.print(f"accuracy {', '.join(told)}")


def _share(share: dict[str, Any]) -> str:
    return f"{100 * share['value']:.1f} % ({100 * share['low']:.1f} to {100 * share['high']:.1f})"


def _minute(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M}"
