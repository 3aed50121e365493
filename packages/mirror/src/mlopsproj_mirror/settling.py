"""Where an alias is here, where it is in the mirror, and who moved it since both agreed.

The registry is the truth: where both moved it, ours counts. Knows nothing of W&B and of gates.
"""

from dataclasses import dataclass
from enum import StrEnum

from mlopsproj_core.alias_history import AliasMove

from mlopsproj_mirror.label import MirroredMove


class Moved(StrEnum):
    """Who moved an alias since the last move that was mirrored."""

    nobody = "nobody"
    here = "here"
    there = "there"
    both = "both"


@dataclass(frozen=True)
class Mirrored:
    """The last move of an alias that was mirrored.

    Attributes:
        version: that it went to.
        move: what is kept of it.
    """

    version: int
    move: MirroredMove


def who_moved(ours: AliasMove | None, mirrored: Mirrored | None, there: int | None) -> Moved:
    """Who moved an alias since both agreed.

    Args:
        ours: its last move in the registry, if it has any.
        mirrored: the last one that was mirrored, if any was.
        there: the version that it points at in the mirror; None if it points at nothing of ours.
    """
    if ours is None:
        return Moved.nobody if there is None else Moved.there
    moved_here = mirrored is None or mirrored.move.id != ours.id
    moved_there = there != (mirrored.version if mirrored else None)
    if there == ours.version:  # agreed, whoever came first
        return Moved.here if moved_here else Moved.nobody
    if moved_here:
        return Moved.both if moved_there else Moved.here
    return Moved.there
