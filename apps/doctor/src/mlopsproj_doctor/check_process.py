"""One check in a process of its own: `python -P -m mlopsproj_doctor.check_process NAME`.

Prints a first line when it has begun, each finding as a line of JSON as soon as it is made, and a
last line, so that whoever ends a check that hangs has what it found before. Knows nothing of the
page.
"""

import json
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from importlib import import_module
from typing import Final

from mlopsproj_core.errors import MlopsprojError

from mlopsproj_doctor.findings import Finding, fail

READY: Final = "ready"
DONE: Final = "done"

FOLDER: Final = "DOCTOR_FOLDER"
"""Variable that names a temporary folder, which whoever started this process removes."""


def main() -> None:
    """Run the check that this process's argument names."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what is temporary is removed
    for finding in examined(sys.argv[1]):
        # In ASCII: the other end of the pipe may read something else than is written here.
        _say(json.dumps(asdict(finding)) if finding else READY)
    _say(DONE)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def examined(name: str) -> Iterator[Finding | None]:
    """What a check finds, after None when it begins.

    One that does not get to its end says so in its last finding.
    """
    try:
        examine: Callable[[], Iterator[Finding]] = import_module(f"mlopsproj_doctor.{name}").examine
        yield None
        yield from examine()
    except MlopsprojError as error:
        yield fail(name, str(error))
    except Exception as error:  # noqa: BLE001 (whatever it is, it is what the user asked for)
        yield fail(
            name,
            f"The check itself failed: {type(error).__name__}: {error}",
            "If the line does not tell why, it is a defect of this program: report it.",
        )


if __name__ == "__main__":
    main()
