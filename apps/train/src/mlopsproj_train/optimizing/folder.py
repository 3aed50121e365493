"""The folder of a climb: whose it is, and that only one process works there.

Knows nothing of what is written into it.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout
from mlopsproj_core.bundle import MODEL
from mlopsproj_core.errors import ConfigError, TrainingError

from mlopsproj_train.optimizing.documents import write_document
from mlopsproj_train.optimizing.parent import Parent

_ELSEWHERE = "give another folder by out=…"


@contextmanager
def held(folder: Path, parent: Parent) -> Iterator[None]:
    """Hold the folder of a climb for this process; the lock ends with it, however it ends.

    Args:
        folder: made if it is missing.
        parent: that is optimised there, now and whenever the climb goes on.

    Raises:
        ConfigError: if the folder holds anything else, or cannot be used.
        TrainingError: if another process holds it.
    """
    marker = folder / "climb.json"
    ours = {"model": str(parent.version), "graph": parent.bundle.manifest.files[MODEL]}
    try:
        if marker.exists():
            if json.loads(marker.read_bytes()) != ours:
                raise ConfigError(f"out={folder} holds variants of another model: {_ELSEWHERE}.")
        elif folder.exists() and any(path.name[0] != "." for path in folder.iterdir()):
            raise ConfigError(f"out={folder} is not empty, and holds no variants: {_ELSEWHERE}.")
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / ".lock")
        lock.acquire(timeout=0)
    except Timeout as error:
        raise TrainingError(
            f"Another process is optimising in {folder}: wait until it ends, or give another"
            " folder by out=…."
        ) from error
    except (OSError, ValueError) as error:
        raise ConfigError(f"out={folder} cannot be used ({error}): {_ELSEWHERE}.") from error
    try:
        write_document(ours, marker)
        yield
    finally:
        lock.release()
