"""What waits in a spool folder, told without making, locking or changing anything in it.

Knows nothing of who writes there, nor whether anybody does.
"""

from dataclasses import dataclass
from pathlib import Path

from mlopsproj_records.segments import SegmentName
from mlopsproj_records.spool import QUARANTINE


@dataclass(frozen=True, slots=True)
class Waiting:
    """What was found.

    Attributes:
        files: that hold something; of a service that runs, also what it has just moved.
        size_bytes: of them.
        oldest: when the one that has waited longest was last written, seconds since the epoch;
            None if there is none.
        databases: that their records are for, as `identity` tells them; sorted.
        quarantined: files that were put aside, since no database takes what is in them.
    """

    files: int
    size_bytes: int
    oldest: float | None
    databases: tuple[str, ...]
    quarantined: int


def survey_spool(folder: Path) -> Waiting | None:
    """What waits in a folder; None where there is no such folder.

    Raises:
        OSError: if it cannot be read.
    """
    sizes: list[int] = []
    times: list[float] = []
    databases: set[str] = set()
    quarantined = 0
    try:
        names = sorted(path.name for path in folder.iterdir())
    except FileNotFoundError:
        return None
    for name in names:
        segment = SegmentName.parse(name)
        try:
            if name == QUARANTINE:
                quarantined = sum(1 for _ in (folder / name).iterdir())
            elif segment and (state := (folder / name).stat()).st_size:
                sizes.append(state.st_size)
                times.append(state.st_mtime)
                databases.add((folder / f"{segment.lane}.lock").read_text(errors="replace"))
        except FileNotFoundError:
            continue  # moved meanwhile
    named = tuple(sorted(databases - {""}))
    return Waiting(len(sizes), sum(sizes), min(times, default=None), named, quarantined)
