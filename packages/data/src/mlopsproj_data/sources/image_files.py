"""All image files below a folder, however deep: safe against links, loops and what is no file.

A link is followed while it stays below the folder. An image is known by the ending of its name;
no file is opened. Knows nothing of labels.
"""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from mlopsproj_core.errors import DataError

from mlopsproj_data.records import SourceIssue
from mlopsproj_data.sources.printing import printable

ENDINGS: Final = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif"}
)
"""Of image files, in lower case."""

_JUNK: Final = frozenset(
    {"__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "@eadir", "$recycle.bin"}
)
"""What systems leave behind, in lower case; hidden files are junk too."""


@dataclass(frozen=True, slots=True)
class ImageFile:
    """A file that is an image by its name.

    Attributes:
        path: where it lies.
        relative: the same from the folder on, with `/` between the parts.
        size: in bytes.
        modified: time of its last change, in nanoseconds.
    """

    path: Path
    relative: str
    size: int
    modified: int


@dataclass
class Listing:
    """What lies below a folder, each in the order of the names.

    Attributes:
        root: the folder.
        files: images.
        folders: relative paths of all folders, the empty ones too.
        others: relative paths of files with another ending.
        issues: what cannot be followed or read.
    """

    root: Path
    files: list[ImageFile] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    issues: list[SourceIssue] = field(default_factory=list)


def is_junk(name: str) -> bool:
    """Whether a file or folder of this name is hidden, or left behind by a system."""
    return name.startswith(".") or name.lower() in _JUNK


def is_image(name: str) -> bool:
    """Whether a file of this name is an image, by its ending."""
    return os.path.splitext(name)[1].lower() in ENDINGS  # noqa: PTH122 (a name, no path)


def list_images(root: Path) -> Listing:
    """What lies below a folder.

    Raises:
        DataError: if the folder itself cannot be read.
    """
    listing = Listing(root)
    real_root = os.path.realpath(root)
    # A stack, since folders may be nested deeper than functions. Beside each folder: the real
    # paths of itself and of those that it was reached through, to notice a loop.
    waiting: list[tuple[str, tuple[str, ...]]] = [("", (real_root,))]
    while waiting:
        relative, through = waiting.pop()
        try:
            with os.scandir(root / relative) as entries:
                found = list(entries)
        except OSError as error:
            if not relative:
                raise DataError(
                    f"data.path={root} cannot be read ({error.strerror}): make it readable, or"
                    " name another folder."
                ) from error
            _complain(listing, "folder cannot be read", relative, error.strerror or str(error))
            continue
        for entry in found:
            if is_junk(entry.name):
                continue
            below = f"{relative}/{entry.name}" if relative else entry.name
            folder = _look_at(entry, below, real_root, through, listing)
            if folder:
                listing.folders.append(below)
                waiting.append((below, (*through, folder)))
    listing.files.sort(key=lambda file: file.relative)
    for paths in (listing.folders, listing.others):
        paths.sort()
    _check_names(listing)
    listing.issues.sort(key=lambda issue: issue.origin)
    return listing


def _look_at(
    entry: os.DirEntry[str], relative: str, root: str, through: tuple[str, ...], listing: Listing
) -> str | None:
    """Put a file into the listing; the real path of a folder that is to be looked into."""
    real = os.path.join(through[-1], entry.name)  # noqa: PTH118 (many, and text is faster)
    try:
        if entry.is_symlink():
            real = os.path.realpath(entry.path, strict=True)
        status = entry.stat()
    except (OSError, RuntimeError) as error:  # RuntimeError: a link to itself, before Python 3.13
        # What has no ending may be a folder.
        if is_image(entry.name) or "." not in entry.name:
            reason = getattr(error, "strerror", None) or "a link to itself"
            _complain(listing, "cannot be read", relative, reason)
        else:
            listing.others.append(relative)
        return None
    if entry.is_symlink() and not Path(real).is_relative_to(root):
        if is_image(entry.name) or stat.S_ISDIR(status.st_mode):
            _complain(listing, "link out of the folder", relative, f"leads to {real}")
        else:
            listing.others.append(relative)
        return None
    if stat.S_ISDIR(status.st_mode):
        return None if real in through else real
    if not is_image(entry.name):
        listing.others.append(relative)
    elif not stat.S_ISREG(status.st_mode):
        _complain(listing, "not a file", relative, "a pipe, socket or device")
    else:
        path = Path(entry.path)
        listing.files.append(ImageFile(path, relative, status.st_size, status.st_mtime_ns))
    return None


def _check_names(listing: Listing) -> None:
    """A folder with the name of an image that holds none is most likely a mistake."""
    suspects = [folder for folder in listing.folders if is_image(folder)]
    if suspects:
        filled = {parent for file in listing.files for parent in parents(file.relative)}
        for folder in suspects:
            if folder not in filled:
                _complain(listing, "not a file", folder, "a folder with the name of an image")


def parents(relative: str) -> Iterator[str]:
    """The folders above a relative path, the nearest first."""
    while "/" in relative:
        relative = relative.rpartition("/")[0]
        yield relative


def _complain(listing: Listing, check: str, relative: str, detail: str) -> None:
    listing.issues.append(SourceIssue(check, printable(relative), printable(detail)))
