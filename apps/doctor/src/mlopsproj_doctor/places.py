"""Where things lie on this machine. Knows nothing of what is in them."""

import os
from pathlib import Path

from fsspec.implementations.local import LocalFileSystem
from fsspec.utils import get_protocol


def local_folder(url: str) -> Path | None:
    """The folder that a URL names; None for one elsewhere."""
    if get_protocol(url) not in LocalFileSystem.protocol:
        return None
    return Path(str(LocalFileSystem._strip_protocol(url)))  # noqa: SLF001 (fsspec's other way opens the file system)


def nearest_that_exists(path: Path) -> Path:
    """The path itself, or that above it in which it would be made."""
    absolute = path.absolute()
    return next((place for place in (absolute, *absolute.parents) if exists(place)), absolute)


def exists(path: Path) -> bool:
    """Whether there is anything; no where that cannot be told."""
    return os.path.exists(path)  # noqa: PTH110 (Path raises where a folder above is locked)


def is_folder(path: Path) -> bool:
    """Whether there is a folder; no where that cannot be told."""
    return os.path.isdir(path)  # noqa: PTH112 (Path raises where a folder above is locked)


def can_be_written(path: Path) -> bool:
    """Whether a file could be made there by this user, as far as the system tells beforehand."""
    place = nearest_that_exists(path)
    return os.access(place, os.W_OK | os.X_OK if is_folder(place) else os.W_OK)
