"""The findings on one page, for people; and as plain values. Knows nothing of the checks."""

import sys
import textwrap
from collections.abc import Sequence
from importlib import metadata
from typing import Any

from mlopsproj_doctor.examination import Group
from mlopsproj_doctor.findings import State, worst

_COLOURS = {State.OK: "green", State.WARN: "yellow", State.FAIL: "red"}
_STATE_WIDTH = 4
_LONGEST_NAME = 24
_LEAST_ROOM = 20
_UNLIMITED_WIDTH = 10_000


def as_document(groups: Sequence[Group]) -> dict[str, Any]:
    """What `--json` prints."""
    findings = [
        {
            "group": group.name,
            "name": finding.name,
            "state": finding.state.value,
            "text": finding.text,
            "mend": finding.mend,
        }
        for group in groups
        for finding in group.findings
    ]
    state = worst([finding for group in groups for finding in group.findings])
    version = metadata.version("mlopsproj-doctor")
    return {"version": version, "state": state.value, "findings": findings}


def print_page(groups: Sequence[Group]) -> None:
    """Show the findings, and what to mend below each."""
    from rich.console import Console
    from rich.text import Text

    console = Console(markup=False, emoji=False, highlight=False)
    width = console.width if sys.stdout.isatty() else _UNLIMITED_WIDTH
    longest = max((len(f.name) for group in groups for f in group.findings), default=0)
    column = min(longest, _LONGEST_NAME)
    indent = " " * (_STATE_WIDTH + column + 2)
    for group in groups:
        console.print(Text(group.name, "bold"))
        for finding in group.findings:
            state = Text(f"{finding.state.value:<{_STATE_WIDTH}}", _COLOURS[finding.state])
            first, *rest = _wrapped(finding.text, width - len(indent)) or [""]
            console.print(state, f"{finding.name:<{column}} {first}", soft_wrap=True)
            for line in rest:
                console.print(f"{indent}{line}", soft_wrap=True)
            mend = f"mend: {finding.mend}" if finding.mend else ""
            for line in _wrapped(mend, width - len(indent)):
                console.print(Text(f"{indent}{line}", "cyan"), soft_wrap=True)


def _wrapped(text: str, room: int) -> list[str]:
    """Lines that fit beside the names; a word that is longer is left whole, to be copied."""
    room = max(room, _LEAST_ROOM)
    return textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False)


def summary(groups: Sequence[Group]) -> str:
    """How many of the lines are how, in one sentence."""
    states = [finding.state for group in groups for finding in group.findings]
    fails, warns = states.count(State.FAIL), states.count(State.WARN)
    if not fails and not warns:
        return f"All {len(states)} lines are well."
    return f"{fails} of {len(states)} lines fail, {warns} warn."
