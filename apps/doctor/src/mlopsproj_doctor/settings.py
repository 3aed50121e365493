"""What the environment sets, what in it nobody reads, and where the settings' values are found.

Knows nothing of which values the commands accept.
"""

import os
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from mlopsproj_doctor.concealment import shown
from mlopsproj_doctor.findings import Finding, fail, ok, warn
from mlopsproj_doctor.places import is_folder
from mlopsproj_doctor.variables import KNOWN, PREFIX

_LIKE_OURS: Final = "MLOPS"
"""A variable that begins so was probably meant for this project."""


def examine() -> Iterator[Finding]:
    """Look at this process's environment."""
    yield from examine_variables(os.environ)
    yield examine_values(os.environ.get("MLOPSPROJ_CONFIG_DIR"))


def examine_variables(environment: Mapping[str, str]) -> Iterator[Finding]:
    """Which variables are set, and which of them nobody reads; an empty one counts as unset."""
    known, unknown = [], []
    for name, value in sorted(environment.items()):
        if not value or not name.upper().startswith(_LIKE_OURS):
            continue
        kind = KNOWN.get(name.upper())
        if kind is None:
            unknown.append(name)
        else:
            known.append(f"{name}={shown(value, kind)}")
    yield ok("variables", ", ".join(known) or f"no {PREFIX}… is set: the defaults count")
    for name in unknown:
        near = get_close_matches(name.upper(), KNOWN, n=1, cutoff=0.75)
        mend = f"Is {near[0]} meant?" if near else "docs/commands.md names those that are read."
        yield warn("variables", f"{name} is set, and nothing reads it", mend)


def examine_values(given: str | None) -> Finding:
    """Where the commands that train find their settings' values.

    Args:
        given: content of `MLOPSPROJ_CONFIG_DIR`.
    """
    if given and not is_folder(Path(given)):
        mend = "Name the folder with train.yaml, or unset it."
        return fail("values", f"MLOPSPROJ_CONFIG_DIR={given} is no folder", mend)
    folder = Path(given or "configs")
    if not is_folder(folder):
        return ok("values", "no folder configs here: the code's defaults count")
    return ok("values", f"in {folder}")
