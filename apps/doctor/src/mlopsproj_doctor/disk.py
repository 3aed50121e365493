"""How much room there is where this project writes. Knows nothing of what is there already."""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from mlopsproj_core.bundle_cache import default_cache
from mlopsproj_core.errors import MlopsprojError
from mlopsproj_records.database_url import read_url
from mlopsproj_records.inspection import sqlite_file

from mlopsproj_doctor.findings import Finding, fail, ok, warn
from mlopsproj_doctor.places import can_be_written, local_folder, nearest_that_exists
from mlopsproj_doctor.units import in_bytes
from mlopsproj_doctor.variables import DoctorSettings

LITTLE_BYTES: Final = 2 * 10**9
"""A run with its checkpoints, or a prepared data set, soon takes as much."""

TOO_LITTLE_BYTES: Final = 100 * 10**6
"""Hardly a bundle goes in there."""

_MEND: Final = "Free some, or let them lie elsewhere (MLOPSPROJ_REGISTRY_URL, …)."


@dataclass(slots=True)
class _Volume:
    """A file system, and what lies on it."""

    path: Path
    names: list[str] = field(default_factory=list)


def examine() -> Iterator[Finding]:
    """Look at the file systems on which the places of this project lie."""
    yield from examine_places(places(DoctorSettings()))


def places(settings: DoctorSettings) -> dict[str, Path]:
    """What is written where, on this machine; not all of it needs to exist."""
    found = {"prepared": Path("prepared"), "runs": Path("runs"), "spool": settings.spool_dir}
    if (registry := local_folder(settings.registry_url)) is not None:
        found["registry"] = registry
    with suppress(MlopsprojError):  # told by the check of the database
        database = read_url(settings.database_url)
        if database.get_backend_name() == "sqlite":
            found["database"] = sqlite_file(database).parent
    with suppress(MlopsprojError):  # no home: told by whoever fetches something
        found["cache"] = default_cache()
    with suppress(FileNotFoundError):  # none can be written
        found["temporary"] = Path(tempfile.gettempdir())
    return dict(sorted(found.items()))


def examine_places(named: Mapping[str, Path]) -> Iterator[Finding]:
    """Tell each file system once, with the names of what lies on it."""
    volumes: dict[int, _Volume] = {}
    for name, path in named.items():
        place = nearest_that_exists(path)
        try:
            device = place.stat().st_dev
            volume = volumes.setdefault(device, _Volume(_mount_point(place, device)))
            volume.names.append(name)
        except OSError as error:
            yield fail(name, f"{place} cannot be looked at: {error.strerror or error}")
            continue
        if not can_be_written(path):
            yield warn(name, f"{place} cannot be written by this user", "Only reading works there.")
    for volume in volumes.values():
        yield _examine_volume(volume)


def _examine_volume(volume: _Volume) -> Finding:
    usage = shutil.disk_usage(volume.path)
    names = ", ".join(volume.names)
    text = f"{in_bytes(usage.free)} free of {in_bytes(usage.total)}: {names}"
    where = str(volume.path)
    if usage.free < TOO_LITTLE_BYTES:
        return fail(where, text, _MEND)
    if usage.free < LITTLE_BYTES:
        return warn(where, text, _MEND)
    if _has_no_names_left(volume.path):
        return fail(where, f"{text}; but no more files can be made (inodes)", _MEND)
    return ok(where, text)


def _mount_point(path: Path, device: int) -> Path:
    """The topmost folder that is on the same file system."""
    while path.parent != path and path.parent.stat().st_dev == device:
        path = path.parent
    return path


def _has_no_names_left(path: Path) -> bool:
    if sys.platform == "win32":  # counts none
        return False
    state = os.statvfs(path)
    return state.f_files > 0 and state.f_favail == 0
