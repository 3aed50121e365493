"""What a check finds: one line that is well, worth a warning, or failing, with what to mend.

Knows nothing of what is checked, nor of how it is shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How it is; the worst comes last."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line.

    Attributes:
        name: what was looked at.
        state: how it is.
        text: what was found.
        mend: what to do about it; empty where there is nothing to do, or `text` says it.
    """

    name: str
    state: State
    text: str
    mend: str = ""


def ok(name: str, text: str) -> Finding:
    """A finding of something that is well."""
    return Finding(name, State.OK, text)


def warn(name: str, text: str, mend: str = "") -> Finding:
    """A finding of something that works, but not as somebody may expect."""
    return Finding(name, State.WARN, text, mend)


def fail(name: str, text: str, mend: str = "") -> Finding:
    """A finding of something that does not work."""
    return Finding(name, State.FAIL, text, mend)


def worst(findings: Sequence[Finding]) -> State:
    """The state of the worst of them; well if there is none."""
    order = list(State)
    return max((finding.state for finding in findings), key=order.index, default=State.OK)
