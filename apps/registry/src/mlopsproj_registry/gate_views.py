"""What the gates found, shown as a table, and why an alias stays where it is.

Knows nothing of arguments.
"""

from typing import TYPE_CHECKING, Final

from mlopsproj_core.errors import GateRefusedError, UndecidedError

from mlopsproj_registry.views import console

if TYPE_CHECKING:
    from mlopsproj_evaluation.promotion import Promotion

COLOURS: Final = {"pass": "green", "fail": "red", "undecided": "yellow", "off": "dim"}


def print_gates(answer: "Promotion") -> None:
    """Show what the gates found to a person."""
    from rich.table import Table
    from rich.text import Text

    against = f"against {answer.champion}" if answer.champion else "first of its alias"
    title = f"{answer.version} {against}"
    table = Table("gate", "verdict", "measured", "limit", "why", title=title, title_justify="left")
    for gate in answer.gates:
        verdict = gate.verdict.value
        coloured = Text(verdict, COLOURS[verdict])
        table.add_row(gate.name, coloured, gate.figure, gate.limit, gate.detail)
    shown = console()
    shown.print(table)
    if answer.moved is not None:
        alias = f"{answer.version.name}@{answer.moved.alias}"
        shown.print(f"{alias} points at version {answer.moved.version} now.")


def refusal(answer: "Promotion", alias: str) -> GateRefusedError | UndecidedError:
    """Why `alias` stays where it is, and what can be done."""
    stays = f"{answer.version.name}@{alias} stays where it is"
    of_verdict = ", ".join(gate.name for gate in answer.gates if gate.verdict == answer.verdict)
    if answer.verdict != "fail":
        return UndecidedError(
            f"{stays}: the evidence for {answer.version} does not suffice ({of_verdict}). Test on"
            " more images, or take the risk by --accept-undecided REASON."
        )
    refused = f"{stays}: {answer.version} is refused by the gate {of_verdict}."
    if answer.broken:
        return GateRefusedError(f"{refused} What is broken is never promoted: publish it again.")
    return GateRefusedError(
        f"{refused} Mend what the table names, or promote against it by --force REASON."
    )
