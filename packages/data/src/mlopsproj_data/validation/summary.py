"""The errors of a report in a few lines, for the message of an error.

Knows nothing of who refuses the data.
"""

from typing import Final

from mlopsproj_data.validation.findings import Finding, Report

_SHOWN_OFFENDERS: Final = 3
_SHOWN_FINDINGS: Final = 8
_LONGEST: Final = 160
"""Characters of an offender's line: names of files may be as long as anyone likes."""


def summary(report: Report) -> str:
    """What is wrong, with the first offenders of each error, and whether dropping can mend it.

    Args:
        report: with at least one error.
    """
    errors = report.errors
    lines = [f"The data set {report.name} cannot be trained on:"]
    for finding in errors[:_SHOWN_FINDINGS]:
        lines.append(f"- {finding.message}")
        lines += _offenders(finding)
    if len(errors) > _SHOWN_FINDINGS:
        lines.append(f"- and {len(errors) - _SHOWN_FINDINGS:,} more kinds of errors.")
    if all(finding.droppable for finding in errors):
        lines.append("Mend this, or leave out what is wrong by data.drop_invalid=true.")
    else:
        checks = ", ".join(finding.check for finding in errors if not finding.droppable)
        lines.append(f"Leaving out what is wrong would not mend all of it ({checks}).")
    return "\n".join(lines)


def _offenders(finding: Finding) -> list[str]:
    lines = [
        _short(f"    {each.origin}: {each.detail}" if each.detail else f"    {each.origin}")
        for each in finding.offenders[:_SHOWN_OFFENDERS]
    ]
    more = len(finding.offenders) - _SHOWN_OFFENDERS
    return [*lines, f"    and {more:,} more"] if more > 0 else lines


def _short(line: str) -> str:
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
