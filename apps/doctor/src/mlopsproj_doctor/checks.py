"""Which checks there are, in the order in which they are shown.

Each is a module with a function `examine`, which yields findings as it goes. Knows nothing of how
they are run.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Check:
    """A group of findings.

    Attributes:
        name: of the group, and of the module that makes them.
        seconds: that it may be silent, from its beginning to its first finding, and then on.
        mend: what to do if it is silent for longer.
        needs: a group without whose answer there is nothing to look at.
        is_slow: whether `--quick` leaves it out.
    """

    name: str
    seconds: float
    mend: str
    needs: str | None = None
    is_slow: bool = False


CHECKS: Final = (
    Check("machine", 15.0, "Try again when the machine is less busy."),
    Check("installation", 15.0, "Try again when the machine is less busy."),
    Check("settings", 15.0, "Try again when the machine is less busy."),
    Check(
        "registry",
        8.0,
        "See that MLOPSPROJ_REGISTRY_URL names it, that it can be reached from here and that you"
        " have access; for gs:// also `gcloud auth application-default login`. Over a slow line,"
        " give more time by --timeout.",
    ),
    Check(
        "production",
        60.0,
        "Its bundle comes over a slow line, or is large: give more time by --timeout, or leave it"
        " out by --quick.",
        needs="registry",
        is_slow=True,
    ),
    Check(
        "database",
        8.0,
        "See that MLOPSPROJ_DATABASE_URL names it and that it can be reached from here.",
    ),
    Check("disk", 8.0, "A file system does not answer: see what is mounted there."),
)
