"""Where a path or address leads: to a folder or a table, once archives are unpacked.

What lies on the network is fetched first. Knows nothing of labels.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mlopsproj_core.errors import DataError
from mlopsproj_core.manifest import is_device

from mlopsproj_data.sources import archives, downloads, table_files
from mlopsproj_data.sources.idx import find_idx_files
from mlopsproj_data.sources.image_files import is_image, is_junk
from mlopsproj_data.sources.printing import printable

FORMS: Final = (
    "a folder for each class (also under train, validation and test), a table of paths and labels"
    " (CSV or Parquet), a zip or tar archive of these, or IDX files"
)
"""What can be named, for errors."""

_LONGEST_NAME: Final = 100
_DEEPEST_WRAPPER: Final = 8


@dataclass(frozen=True)
class Location:
    """What a path or address leads to.

    Attributes:
        named: the path or address, as the user gave it.
        name: for the data set.
        folders: the folder, and those below it as long as one holds nothing but another; or that
            of the table.
        table: that was named, in place of a folder.
        url: that the table came from.
        archive: name of the archive that was unpacked.
    """

    named: str
    name: str
    folders: tuple[Path, ...]
    table: Path | None = None
    url: str | None = None
    archive: str | None = None

    @property
    def folder(self) -> Path:
        """The innermost folder."""
        return self.folders[-1]


def locate(named: str, prepared_dir: Path) -> Location:
    """Fetch and unpack what a path or address names, until there is a folder or a table.

    Args:
        named: the path or address.
        prepared_dir: where downloads and unpacked archives are kept.

    Raises:
        DataError: if there is none.
    """
    url = named if downloads.is_url(named) else None
    if url:
        path = downloads.fetch(url, prepared_dir / "downloads")
        called = downloads.file_name(url)
    else:
        path = existing(named)
        called = path.resolve().name
        if path.is_dir():
            return Location(named, name_of(called), wrappers(path))
        if not path.is_file():
            raise DataError(f"data.path={named} is neither a file nor a folder: name {FORMS}.")
    name = name_of(archives.stem(called))
    if Path(called).suffix.lower() in table_files.ENDINGS:
        return Location(named, name, (path.parent,), table=path, url=url)
    if not archives.is_archive(path):
        raise DataError(f"data.path={named} is not recognised: name {FORMS}.")
    folder = archives.unpack(path, prepared_dir / "unpacked", name)
    return Location(named, name, wrappers(folder), archive=printable(called))


def existing(named: str) -> Path:
    """A path of this machine.

    Raises:
        DataError: if nothing is there.
    """
    try:
        path = Path(named).expanduser()
        path.stat()
    except FileNotFoundError as error:
        raise DataError(f"data.path={named} does not exist: name {FORMS}.") from error
    except (OSError, RuntimeError, ValueError) as error:  # RuntimeError: nobody has such a home
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"data.path={named} cannot be found ({reason}): name {FORMS}.") from error
    return path


def wrappers(folder: Path, *, past_tables: bool = False) -> tuple[Path, ...]:
    """The folder itself, and those below it as long as one holds nothing but another.

    Args:
        folder: to begin with.
        past_tables: whether a table beside the other folder counts for nothing.
    """
    found = [folder]
    for _ in range(_DEEPEST_WRAPPER):
        inner = _only_folder(found[-1], past_tables=past_tables)
        if inner is None or (
            any(is_image(name) for name in _names(inner)) and not tables_in(inner)
        ):
            break
        found.append(inner)
    return tuple(found)


def _only_folder(folder: Path, *, past_tables: bool) -> Path | None:
    """The folder in one that holds no other, and nothing that could be a source itself."""
    entries = [folder / name for name in _names(folder)]
    folders = [entry for entry in entries if os.path.isdir(entry)]  # noqa: PTH112 (never raises)
    if len(folders) != 1 or folders[0].is_symlink():
        return None
    if tables_in(folder) and not past_tables:
        return None
    if find_idx_files(folder) or any(is_image(entry.name) for entry in entries):
        return None
    return folders[0]


def tables_in(folder: Path) -> list[Path]:
    """Tables right in a folder, by the endings of their names."""
    return sorted(
        folder / name
        for name in _names(folder)
        if Path(name).suffix.lower() in table_files.ENDINGS and os.path.isfile(folder / name)  # noqa: PTH113 (never raises)
    )


def _names(folder: Path) -> list[str]:
    try:
        return [entry.name for entry in folder.iterdir() if not is_junk(entry.name)]
    except OSError:
        return []  # said where the folder is read


def name_of(name: str) -> str:
    """A model's name from a folder's: lower case, and `-` for what a name may not hold."""
    letters = (letter if letter.isalnum() and letter.isascii() else "-" for letter in name.lower())
    plain = "".join(letters).strip("-")[:_LONGEST_NAME] or "data"
    return f"{plain}-data" if is_device(plain) else plain
