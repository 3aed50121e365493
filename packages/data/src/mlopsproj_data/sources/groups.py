"""What must not be divided between splits, told by a pattern over the names of files.

Knows nothing of tables: a group from a column is the table's.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from mlopsproj_core.errors import ConfigError

from mlopsproj_data.records import SourceIssue
from mlopsproj_data.sources.labelled_files import LabelledFile
from mlopsproj_data.sources.printing import listed


def group_by_pattern(
    pattern: str, files: Sequence[LabelledFile], columns: Sequence[str] = ()
) -> tuple[tuple[LabelledFile, ...], tuple[SourceIssue, ...]]:
    """Give each file the group that a regular expression finds in its name.

    Args:
        pattern: searched in the path from the source's folder on, or in the URL; its capture
            groups make the group, or all that it matches where it has none.
        files: without groups.
        columns: of the table that the files stand in, for the error.

    Returns:
        The files in which something is found, and an issue for each other one.

    Raises:
        ConfigError: if the pattern is none, or is found nowhere.
    """
    beside = f" is no column of the table ({listed(list(columns), 20)}), and" if columns else ""
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise ConfigError(
            f"data.group={pattern!r}{beside} is no regular expression ({error}): mend it."
        ) from error
    grouped, issues = [], []
    for file in files:
        match = compiled.search(file.origin)
        group = _group(match) if match else ""
        if group:
            grouped.append(replace(file, group=group))
        else:
            issues.append(SourceIssue("no group", file.origin, f"data.group={pattern} finds none"))
    if files and not grouped:
        raise ConfigError(
            f"data.group={pattern!r}{beside} is found in no file's name, e.g. not in"
            f" {files[0].origin}: mend the pattern."
        )
    return tuple(grouped), tuple(issues)


def _group(match: re.Match[str]) -> str:
    parts = [part for part in match.groups() if part] or [match[0]]
    return "/".join(parts)
