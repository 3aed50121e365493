"""What a climb found: one table for people, one document for programs.

Knows nothing of how it was found.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from mlopsproj_evaluation import Verdict
from mlopsproj_evaluation.latency import Ratio
from rich.table import Table
from rich.text import Text

from mlopsproj_train.optimizing.choice import Choice, Standing
from mlopsproj_train.optimizing.timing import COMPILED, EAGER, Case, overall
from mlopsproj_train.optimizing.workshop import BASELINE, Outcome

_COLOURS = {Verdict.passed: "green", Verdict.failed: "red", Verdict.undecided: "yellow"}
_MEGABYTE = 1e6


@dataclass(frozen=True)
class Findings:
    """All that a climb found before anything was chosen on.

    Attributes:
        parent: `name:version`.
        budget: loss of accuracy that is accepted.
        machine: CPU, instruction sets and cores.
        outcomes: of every rung.
        standings: of every variant that stands, the parent's own graph first.
        cases: in which they were timed.
        torch: why PyTorch was not timed, by contender.
        choice: what was taken.
    """

    parent: str
    budget: float
    machine: Mapping[str, Any]
    outcomes: Mapping[str, Outcome]
    standings: Sequence[Standing]
    cases: Sequence[Case]
    torch: Mapping[str, str]
    choice: Choice

    @property
    def size(self) -> int:
        """Bytes of the parent's graph."""
        return self.standings[0].size


def as_document(findings: Findings) -> dict[str, Any]:
    """JSON-ready values of all that was found."""
    standings = {one.name: one for one in findings.standings}
    chosen = findings.choice.variant
    return {
        "parent": findings.parent,
        "budget": findings.budget,
        "machine": dict(findings.machine),
        "variants": [
            _variant(findings, name, outcome, standings.get(name))
            for name, outcome in findings.outcomes.items()
        ],
        "torch": _torch(findings),
        "choice": {
            "variant": chosen.name if chosen else None,
            "verdict": findings.choice.verdict.value,
            "reason": findings.choice.reason,
        },
    }


def table(findings: Findings) -> Table:
    """A line for each variant, what was skipped too, and PyTorch beside them."""
    title = f"variants of {findings.parent}, on validation images"
    shown = Table(title=title, title_justify="left")
    shown.add_column("variant")
    shown.add_column("MB", justify="right")
    shown.add_column("accuracy (95 %)")
    shown.add_column(f"loss, at most {100 * findings.budget:.2g} points")
    shown.add_column("times as fast", justify="right")
    for case in findings.cases:
        shown.add_column(case.title, justify="right")
    shown.add_column("")
    standings = {one.name: one for one in findings.standings}
    for name, outcome in findings.outcomes.items():
        one = standings.get(name)
        if one is None:
            empty = [""] * (4 + len(findings.cases))
            shown.add_row(name, *empty, Text(f"skipped: {outcome.reason}", "yellow"))
            continue
        accuracy = f"{one.accuracy.value:.4f} ({one.accuracy.low:.4f} to {one.accuracy.high:.4f})"
        shown.add_row(
            name,
            f"{one.size / _MEGABYTE:.2f}",
            accuracy,
            _loss(one),
            _ratio(one.speedup) if name != BASELINE else "1",
            *(f"{case.speedup(name).median:.2f}" for case in findings.cases),
            _note(findings, one),
        )
    for name in (EAGER, COMPILED):
        if name in findings.torch:
            empty = [""] * (4 + len(findings.cases))
            shown.add_row(name, *empty, Text(f"not timed: {findings.torch[name]}", "yellow"))
        elif name in findings.cases[0].pairs:
            speeds = [f"{case.speedup(name).median:.2f}" for case in findings.cases]
            shown.add_row(name, "", "", "", _ratio(overall(findings.cases, name)), *speeds, "")
    return shown


def _note(findings: Findings, one: Standing) -> Text:
    chosen = findings.choice.variant
    if chosen is not None and one.name == chosen.name:
        return Text("chosen", "bold green")
    if one.name == BASELINE:
        return Text("the model as it is")
    if one.slower:
        where = f" at {', '.join(one.slower_at)}" if one.slower_at else ""
        return Text(f"slower{where}: never chosen", "red")
    return Text("" if one.faster else "not shown to be faster")


def _loss(one: Standing) -> Text:
    if one.name == BASELINE:
        return Text("")
    found = one.comparison
    text = f"{-100 * found.difference:+.2f} ({-100 * found.high:+.2f} to {-100 * found.low:+.2f})"
    return Text(f"{found.verdict.value}  {text}", _COLOURS[found.verdict])


def _ratio(found: Ratio) -> str:
    return f"{found.median:.2f} ({found.low:.2f} to {found.high:.2f})"


def _variant(
    findings: Findings, name: str, outcome: Outcome, one: Standing | None
) -> dict[str, Any]:
    values: dict[str, Any] = {"name": name, "skipped": outcome.reason, **outcome.details}
    if one is None:
        return values
    return {
        **values,
        "seconds_to_make": outcome.seconds,
        "bytes": one.size,
        "size_ratio": one.size / findings.size,
        "accuracy": one.accuracy.model_dump(),
        "comparison": asdict(one.comparison),
        "speedup": asdict(one.speedup),
        "slower": one.slower,
        "slower_at": list(one.slower_at),
        "cases": _cases(findings.cases, name),
    }


def _torch(findings: Findings) -> dict[str, Any]:
    return {
        name: {"skipped": findings.torch[name]}
        if name in findings.torch
        else {
            "speedup": asdict(overall(findings.cases, name)),
            "cases": _cases(findings.cases, name),
        }
        for name in (EAGER, COMPILED)
        if name in findings.torch or name in findings.cases[0].pairs
    }


def _cases(cases: Sequence[Case], name: str) -> list[dict[str, Any]]:
    """Speeds over the parent's graph and, where it was timed, over eager PyTorch."""
    found = []
    for case in cases:
        values: dict[str, Any] = {
            "batch": case.batch,
            "threads": case.threads,
            "images_per_second": case.images_per_second(name),
            "speedup": asdict(case.speedup(name)),
        }
        over_eager = case.speedup_over_eager(name)
        if over_eager is not None:
            values["speedup_over_eager"] = asdict(over_eager)
        found.append(values)
    return found
