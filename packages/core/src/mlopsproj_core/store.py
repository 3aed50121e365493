"""Small files under a URL that are written once, whole, and never changed.

A local folder or any fsspec file system; the one thing that every store must do is to create a
file only where there is none. Whoever relies on a listing to see what others wrote needs a store
that shows it at once: object stores and disks do, NFS that caches attributes may not. Knows nothing
of models and versions.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

from mlopsproj_core.errors import MlopsprojError, RegistryError
from mlopsproj_core.local_files import LocalFiles

_NUMBER = "([1-9][0-9]{0,17})"
_GOOGLE = ("gs://", "gcs://")


class Store:
    """Files under one URL, named by paths relative to it."""

    def __init__(
        self, url: str, *, called: str = "registry", error: type[MlopsprojError] = RegistryError
    ) -> None:
        """Open a store; nothing is created or reached yet.

        Args:
            url: a folder, or what fsspec knows, e.g. `gs://bucket/registry`.
            called: what its errors call it.
            error: raised wherever it cannot be reached, by every method.

        Raises:
            RegistryError: or `error`, if no file system goes with the URL.
        """
        self.url = url
        self._called, self._error = called, error
        # gcsfs would keep listings for ever, and never see what others write.
        options = {"use_listings_cache": False} if url.startswith(_GOOGLE) else {}
        with self._reaching("opened"):
            system, root = fsspec.core.url_to_fs(url, **options)
            if options and not root.strip("/"):
                raise ValueError("it names no bucket")
        self._files = (
            LocalFiles(Path(root))
            if isinstance(system, LocalFileSystem)
            else _RemoteFiles(system, root)
        )

    def names(self, folder: str) -> list[str]:
        """Names directly in `folder`, sorted; none where there is no such folder."""
        with self._reaching("listed"):
            names = self._files.names(folder)
        # Drafts of files that are being written begin with a dot.
        return sorted(name for name in names if not name.startswith("."))

    def numbers(self, folder: str, ending: str = "") -> list[int]:
        """What the names directly in `folder` count, ascending; other names are passed over."""
        matches = (re.fullmatch(f"{_NUMBER}{re.escape(ending)}", n) for n in self.names(folder))
        return sorted(int(match[1]) for match in matches if match)

    def files(self, folder: str) -> list[str]:
        """Paths, relative to `folder`, of all files below it, sorted.

        On an object store this is one request for every thousand files.
        """
        with self._reaching("listed"):
            return sorted(self._files.below(folder))

    def sizes(self, folder: str) -> dict[str, int]:
        """The same, each with its size in bytes."""
        with self._reaching("listed"):
            return dict(sorted(self._files.sizes(folder).items()))

    def read(self, path: str) -> bytes:
        """Content of a file.

        Raises:
            FileNotFoundError: if there is none.
        """
        with self._reaching("read", FileNotFoundError):
            return self._files.read(path)

    def exists(self, path: str) -> bool:
        """Whether there is such a file."""
        with self._reaching("read"):
            return self._files.exists(path)

    def create(self, path: str, data: bytes) -> None:
        """Write a new file, whole or not at all, and durable when this returns.

        Args:
            path: of the file; folders are made.
            data: its content. What others may write under the same name must differ.

        Raises:
            FileExistsError: if there is one already, of whoever came first.
        """
        with self._reaching("written to", FileExistsError):
            self._files.create(path, data)

    def remove(self, path: str) -> None:
        """Remove a file, if it is there."""
        with self._reaching("written to"):
            self._files.remove(path)

    def local_path(self, path: str) -> Path | None:
        """Where a path lies on this machine; None for a store elsewhere."""
        return self._files.root / path if isinstance(self._files, LocalFiles) else None

    def meets(self, other: "Store") -> bool:
        """Whether one of the two lies in the other, however their URLs are written."""
        mine, theirs = self._files, other._files  # noqa: SLF001 (of the same class)
        if isinstance(mine, LocalFiles) and isinstance(theirs, LocalFiles):
            return _meet(*(files.root.resolve().as_posix() for files in (mine, theirs)))
        if isinstance(mine, _RemoteFiles) and isinstance(theirs, _RemoteFiles):
            return mine.meets(theirs)
        return False

    @contextmanager
    def _reaching(self, what: str, *expected: type[OSError]) -> Iterator[None]:
        try:
            yield
        except expected:
            raise
        except Exception as error:  # each file system raises its own
            raise self._error(
                f"The {self._called} {self.url} cannot be {what}:"
                f" {type(error).__name__} {error or ''}".rstrip()
                + ". Check the URL, your access and the space that is left."
            ) from error


class _RemoteFiles:
    """The same as `LocalFiles` on a file system of fsspec."""

    def __init__(self, system: Any, root: str) -> None:
        self._system = system
        self._root = root.rstrip("/")

    def meets(self, other: "_RemoteFiles") -> bool:
        """The same as of stores; systems are equal if they are of one kind and one server."""
        system, root = other._system, other._root  # noqa: SLF001 (of the same class)
        return bool(self._system == system) and _meet(self._root, root)

    def names(self, folder: str) -> list[str]:
        self._system.invalidate_cache()
        try:
            found = self._system.ls(self._at(folder), detail=False)
        except FileNotFoundError:
            return []
        names = (path.rstrip("/").rsplit("/", 1)[-1] for path in found)
        return [name for name in names if name]

    def below(self, folder: str) -> list[str]:
        return list(self.sizes(folder))

    def sizes(self, folder: str) -> dict[str, int]:
        self._system.invalidate_cache()
        top = f"{self._at(folder)}/"
        found = self._system.find(self._at(folder), detail=True)
        if not found:
            self.names(folder)  # many a `find` passes over a folder that it cannot reach
        return {
            str(path).removeprefix(top): int(about["size"])
            for path, about in found.items()
            if str(path).startswith(top)
        }

    def read(self, path: str) -> bytes:
        return bytes(self._system.cat_file(self._at(path)))

    def exists(self, path: str) -> bool:
        self._system.invalidate_cache()
        try:
            self._system.info(self._at(path))  # `exists` of fsspec takes any error for a no
        except FileNotFoundError:
            return False
        return True

    def create(self, path: str, data: bytes) -> None:
        try:
            self._system.pipe_file(self._at(path), data, mode="create")
        except FileExistsError:
            # The answer to a first attempt may be lost, and the next one find what that has made.
            if self.read(path) != data:
                raise

    def remove(self, path: str) -> None:
        with suppress(FileNotFoundError):
            self._system.rm_file(self._at(path))

    def _at(self, path: str) -> str:
        return f"{self._root}/{path}" if path else self._root


def _meet(first: str, second: str) -> bool:
    """Whether one of two paths leads to the other, or below it."""
    first, second = (f"{place.rstrip('/')}/" for place in (first, second))
    return first.startswith(second) or second.startswith(first)
