"""What validation says: findings with a severity, and the report that holds them.

Knows nothing of how anything was found or is shown.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

SCHEMA_VERSION: Final = 1
"""Of the report as JSON."""


class Severity(StrEnum):
    """Whether training refuses (error) or only tells (warning)."""

    error = "error"
    warning = "warning"


@dataclass(frozen=True, slots=True)
class Offender:
    """One image, class, group or row of a table that a finding is about.

    Attributes:
        origin: where it lies, or its name, for people.
        detail: which value, or which other image; may be empty.
        rows: records, in the order of the source, to look at: the image itself and then what it
            is like; none where there is nothing to see.
    """

    origin: str
    detail: str
    rows: tuple[int, ...] = ()


@dataclass(frozen=True)
class Finding:
    """One kind of thing that is wrong.

    Attributes:
        check: its short name, e.g. "unreadable".
        severity: error or warning.
        message: what is wrong and how to mend it.
        offenders: all of them.
        dropped: rows, in the order of the source's records, that `data.drop_invalid=true` leaves
            out; empty for a warning.
        droppable: whether leaving something out can mend it; true for a warning.
    """

    check: str
    severity: Severity
    message: str
    offenders: tuple[Offender, ...]
    dropped: tuple[int, ...] = ()
    droppable: bool = True


@dataclass(frozen=True)
class Report:
    """All that validation found in one source.

    Attributes:
        name: of the data set.
        description: what its path was recognised as.
        counts: images of each class, by split: `{class: {split: count}}`, copies counted; what
            cannot be used stands under "unusable".
        findings: errors first.
    """

    name: str
    description: str
    counts: Mapping[str, Mapping[str, int]]
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that training refuses."""
        return tuple(item for item in self.findings if item.severity is Severity.error)

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """The findings that training only tells."""
        return tuple(item for item in self.findings if item.severity is Severity.warning)

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON holds it.

        Returns:
            `schema`; `name`, `description`, `counts` as here; `valid`, true without errors; and
            `findings`, each with `check`, `severity`, `message`, `droppable`, `dropped` (how many
            images), `count` of offenders, and `offenders`, each with `origin` and `detail`.
        """
        return {
            "schema": SCHEMA_VERSION,
            "name": self.name,
            "description": self.description,
            "valid": not self.errors,
            "counts": {name: dict(counts) for name, counts in self.counts.items()},
            "findings": [
                {
                    "check": item.check,
                    "severity": item.severity.value,
                    "message": item.message,
                    "droppable": item.droppable,
                    "dropped": len(item.dropped),
                    "count": len(item.offenders),
                    "offenders": [
                        {"origin": each.origin, "detail": each.detail} for each in item.offenders
                    ],
                }
                for item in self.findings
            ],
        }
