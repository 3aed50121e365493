"""A table of paths and labels, as labelled files: each path found below a folder, or fetched.

No path leads out of the folder. Knows nothing of how a table is stored or recognised.
"""

import os
import stat
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from urllib.parse import urljoin

from mlopsproj_data.records import SourceIssue
from mlopsproj_data.sources import downloads
from mlopsproj_data.sources.image_files import ImageFile, list_images
from mlopsproj_data.sources.labelled_files import LabelledFile
from mlopsproj_data.sources.printing import printable
from mlopsproj_data.sources.split_names import split_of
from mlopsproj_data.sources.table_columns import Columns
from mlopsproj_data.sources.table_files import TableFile


@dataclass(frozen=True)
class Place:
    """What the paths of a table are relative to.

    Attributes:
        root: the folder that no path may leave.
        bases: folders that paths are relative to, the likeliest first.
        url: that paths are relative to, in place of a folder, for a table from the network.
        downloads: where files of URLs are kept.
    """

    root: Path
    bases: Sequence[Path]
    url: str | None
    downloads: Path


class _UnusableError(Exception):
    def __init__(self, check: str, detail: str) -> None:
        super().__init__(check)
        self.check = check
        self.detail = detail


@dataclass(frozen=True, slots=True)
class _Entry:
    """A row that says enough."""

    where: str
    path: str
    label: str
    split: str | None
    group: str | None


def read_labelled_table(
    table: TableFile, columns: Columns, place: Place, *, group_needed: bool
) -> tuple[list[LabelledFile], list[SourceIssue]]:
    """The files of a table, in the order of its rows, and what is wrong with the others.

    Args:
        table: of paths and labels.
        columns: that count.
        place: what the paths are relative to.
        group_needed: whether a blank group is wrong.

    Raises:
        DataError: if the table cannot be read, or the disk is full.
    """
    rows = list(_entries(table, columns, group_needed=group_needed))
    entries = [row for row in rows if isinstance(row, _Entry)]
    issues = [row for row in rows if isinstance(row, SourceIssue)]
    urls = {entry.path: url for entry in entries if (url := _url(entry.path, place))}
    fetched = downloads.fetch_images(dict.fromkeys(urls.values()), place.downloads)
    finder = _Finder(place)
    files = []
    for entry in entries:
        url = urls.get(entry.path)
        try:
            found = _downloaded(url, fetched[url]) if url else finder.find(entry.path)
        except _UnusableError as error:
            issues.append(SourceIssue(error.check, entry.where, printable(error.detail)))
            continue
        files.append(
            LabelledFile(
                found.path,
                found.relative,
                found.size,
                found.modified,
                entry.label,
                entry.split,
                entry.group,
                printable(found.relative),
            )
        )
    return files, issues


def _entries(
    table: TableFile, columns: Columns, *, group_needed: bool
) -> Iterator[_Entry | SourceIssue]:
    wanted = [columns.path, columns.label]
    wanted += [name for name in (columns.split, columns.group) if name is not None]
    for row in table.rows(wanted):
        where = f"{printable(table.path.name)} row {row.number}"
        if row.cells is None:
            yield SourceIssue("broken row", where, f"more cells than {len(table.columns)} columns")
            continue
        cells = dict(zip(wanted, row.cells, strict=True))
        path, label = cells[columns.path], cells[columns.label]
        given = cells[columns.split] if columns.split is not None else ""
        group = cells[columns.group] if columns.group is not None else ""
        if not path:
            yield SourceIssue("blank path", where, f"label {printable(label)}")
        elif not label:
            yield SourceIssue("blank label", where, printable(path))
        elif given and split_of(given) is None:
            yield SourceIssue("unknown split", where, f"{printable(given)}: {printable(path)}")
        elif group_needed and not group:
            yield SourceIssue("no group", where, printable(path))
        else:
            split = split_of(given) if given else None
            yield _Entry(where, path, printable(label), split, printable(group) or None)


def _url(path: str, place: Place) -> str | None:
    """The URL that a path is, or is relative to that of the table."""
    if downloads.is_url(path):
        return path
    return urljoin(place.url, path) if place.url else None


def _downloaded(url: str, outcome: Path | str) -> ImageFile:
    if isinstance(outcome, str):
        raise _UnusableError("download failed", f"{downloads.shown(url)}: {outcome}")
    status = outcome.stat()
    return ImageFile(outcome, downloads.shown(url), status.st_size, status.st_mtime_ns)


class _Finder:
    """Finds the files that paths of a table mean, below a folder."""

    def __init__(self, place: Place) -> None:
        self._place = place
        # With a separator at its end: a folder of a longer name lies outside.
        self._inside = os.path.join(os.path.realpath(place.root), "")  # noqa: PTH118
        self._real_folder = lru_cache(maxsize=4096)(os.path.realpath)

    def find(self, text: str) -> ImageFile:
        """The file of a path; by its name alone, or without an ending, if there is but one.

        Raises:
            _UnusableError: if there is none, or it may not be used.
        """
        name = unicodedata.normalize("NFC", text)
        spellings = dict.fromkeys(
            (text, text.replace("\\", "/"), name, unicodedata.normalize("NFD", text))
        )
        refused = None
        for base in self._place.bases:
            for spelling in spellings:
                try:
                    found = self._look(base / spelling, text)
                except _UnusableError as error:
                    # Where a path leads from a less likely base says nothing.
                    refused = refused or (error if base is self._place.bases[0] else None)
                    continue
                if found:
                    return found
        if refused:
            raise refused
        if "/" not in name and "\\" not in name:
            files = self._by_name.get(name) or self._by_stem.get(name, [])
            if len(files) > 1:
                others = " and ".join(file.relative for file in files[:2])
                raise _UnusableError("ambiguous path", f"{text} may be {others}")
            if files:
                return files[0]
        raise _UnusableError("missing file", text)

    def _look(self, path: Path, text: str) -> ImageFile | None:
        try:
            parent = self._real_folder(path.parent)
            real = os.path.join(parent, path.name)  # noqa: PTH118 (many, and text is faster)
            if path.name in {"", ".."} or os.path.islink(real):  # noqa: PTH114
                real = os.path.realpath(path)
            if not os.path.join(real, "").startswith(self._inside):  # noqa: PTH118
                raise _UnusableError("outside the folder", text)
            status = os.stat(real)  # noqa: PTH116
        except PermissionError as error:
            raise _UnusableError("cannot be read", f"{text}: {error.strerror}") from error
        except (OSError, ValueError):  # ValueError: a NUL in it
            return None
        if not stat.S_ISREG(status.st_mode):
            raise _UnusableError("not a file", text)
        relative = real[len(self._inside) :].replace(os.sep, "/")
        return ImageFile(Path(real), relative, status.st_size, status.st_mtime_ns)

    @cached_property
    def _by_name(self) -> dict[str, list[ImageFile]]:
        index: dict[str, list[ImageFile]] = defaultdict(list)
        for file in list_images(self._place.root).files:
            index[unicodedata.normalize("NFC", file.path.name)].append(file)
        return index

    @cached_property
    def _by_stem(self) -> dict[str, list[ImageFile]]:
        index: dict[str, list[ImageFile]] = defaultdict(list)
        for name, files in self._by_name.items():
            index[os.path.splitext(name)[0]] += files  # noqa: PTH122 (a name, no path)
        return index
