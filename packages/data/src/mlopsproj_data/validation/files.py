"""What is wrong with single files: those that cannot be used, and names that mislead.

Knows nothing of other images.
"""

from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

import numpy as np

from mlopsproj_data.records import LabelledSource
from mlopsproj_data.sources.printing import plural
from mlopsproj_data.validation.columns import Columns
from mlopsproj_data.validation.findings import Finding, Offender, Severity

_UNREADABLE: Final = "unreadable"

_KINDS: Final = (
    ("too large", ("make it smaller", "exceeds limit"), "make smaller"),
    (
        "truncated",
        ("truncated", "unexpected end", "not enough image data", "premature end"),
        "not copied whole, so copy again",
    ),
)
"""Check, what the problem says of it in lower case, how to mend it; the first that fits counts."""

_MENDS: Final = {
    "ambiguous path": "write the whole path below the folder",
    "blank label": "give each row a label",
    "blank path": "give each row a path",
    "broken row": "give each row one value for each column, in quotes where it holds a comma",
    "cannot be read": "allow reading them, or restore what their links lead to",
    "download failed": "try again, or correct the address",
    "folder cannot be read": "allow reading it",
    "link out of the folder": "copy what they lead to into the folder",
    "missing file": "correct the path, or bring the file back",
    "no class": "move each into the folder of its class",
    "no group": "give each image a group, or give another data.group",
    "not a file": "remove or rename them",
    "outside the folder": "move the files into the folder, or correct the paths",
    "unknown split": "write train, validation or test",
}

_FORMATS: Final = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".jpe": "JPEG",
    ".jfif": "JPEG",
    ".png": "PNG",
    ".webp": "WEBP",
    ".bmp": "BMP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".gif": "GIF",
}

_SAME_FORMAT: Final = {"MPO": "JPEG"}
"""A JPEG with a second picture behind the first, as telephones make them."""


def source_issues(source: LabelledSource) -> Iterator[Finding]:
    """What did not become a record at all, by kind."""
    for check in sorted({issue.check for issue in source.issues}):
        offenders = tuple(
            Offender(issue.origin, issue.detail) for issue in source.issues if issue.check == check
        )
        mend = _MENDS.get(check, "mend or remove them")
        yield Finding(
            check,
            Severity.error,
            f"{plural(len(offenders), 'entry', 'entries')} of the source cannot be used"
            f" ({check}): {mend}.",
            offenders,
        )


def unusable_files(columns: Columns) -> Iterator[Finding]:
    """Images that cannot be read or decoded, by kind."""
    problems = columns.table["problem"].to_pylist()
    sizes = columns.table["bytes"].to_pylist()
    found: dict[str, list[int]] = {}
    for row in np.flatnonzero(~columns.kept).tolist():
        kind = "zero bytes" if sizes[row] == 0 else _kind(problems[row].lower())
        found.setdefault(kind, []).append(row)
    mends = {check: mend for check, _, mend in _KINDS}
    mends |= {"zero bytes": "copy again", _UNREADABLE: "save again, or remove"}
    for check, mend in sorted(mends.items()):
        if rows := found.get(check):
            yield Finding(
                check,
                Severity.error,
                f"{plural(len(rows), 'image')} cannot be used ({check}): {mend}.",
                tuple(Offender(columns.origins[row], problems[row], (row,)) for row in rows),
                tuple(rows),
            )


def _kind(problem: str) -> str:
    for check, signs, _ in _KINDS:
        if any(sign in problem for sign in signs):
            return check
    return _UNREADABLE


def wrong_extensions(columns: Columns) -> Iterator[Finding]:
    """Files whose name promises another format than their content has."""
    offenders = []
    for row, form in zip(columns.rows.tolist(), columns.texts("format"), strict=True):
        suffix = _suffix(columns.origins[row])
        promised = _FORMATS.get(suffix)
        if form and promised and promised != _SAME_FORMAT.get(form, form):
            offenders.append(Offender(columns.origins[row], f"{form}, not {promised}", (row,)))
    if offenders:
        yield Finding(
            "wrong extension",
            Severity.warning,
            f"{plural(len(offenders), 'file')} with the name of another format than the"
            " content, by which mlopsproj reads: rename, since other programs may go by the name.",
            tuple(offenders),
        )


def _suffix(origin: str) -> str:
    path = urlsplit(origin).path if "://" in origin else origin
    return f".{path.rpartition('.')[2].lower()}"
