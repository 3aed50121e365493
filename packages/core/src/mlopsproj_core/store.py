"""Small files under a URL that are written once, whole, and never changed.

A local folder or any fsspec file system; the one thing that every store must do is to create a
file only where there is none. Knows nothing of models and versions.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

from mlopsproj_core.errors import RegistryError


class Store:
    """Files under one URL, named by paths relative to it."""

    def __init__(self, url: str) -> None:
        """Open a store; nothing is created or reached yet.

        Args:
            url: a folder, or what fsspec knows, e.g. `gs://bucket/registry`.

        Raises:
            RegistryError: if no file system goes with the URL.
        """
        self.url = url
        # gcsfs would keep listings for ever, and never see what others write.
        options: dict[str, Any] = {"use_listings_cache": False} if url.startswith("gs:") else {}
        with self._reaching("opened"):
            self._fs, root = fsspec.core.url_to_fs(url, **options)
        self._root = root.rstrip("/")
        self._local = isinstance(self._fs, LocalFileSystem)

    def list(self, folder: str) -> list[str]:
        """Names directly in `folder`, sorted; none where there is no such folder."""
        with self._reaching("listed"):
            try:
                self._fs.invalidate_cache()
                found = self._fs.ls(self._at(folder), detail=False)
            except FileNotFoundError:
                return []
        names = (path.rstrip("/").rsplit("/", 1)[-1] for path in found)
        # Drafts of files that are being written begin with a dot.
        return sorted(name for name in names if name and not name.startswith("."))

    def read(self, path: str) -> bytes:
        """Content of a file.

        Raises:
            FileNotFoundError: if there is none.
        """
        with self._reaching("read"):
            return bytes(self._fs.cat_file(self._at(path)))

    def exists(self, path: str) -> bool:
        """Whether there is such a file."""
        with self._reaching("read"):
            self._fs.invalidate_cache()
            return bool(self._fs.exists(self._at(path)))

    def create(self, path: str, data: bytes) -> None:
        """Write a new file, whole or not at all, and durable when this returns.

        Raises:
            FileExistsError: if there is one already, of whoever came first.
        """
        with self._reaching("written to"):
            if self._local:
                _create_locally(Path(self._at(path)), data)
            else:
                self._fs.pipe_file(self._at(path), data, mode="create")

    def local_path(self, path: str) -> Path | None:
        """Where a path lies on this machine; None for a store elsewhere."""
        return Path(self._at(path)) if self._local else None

    def _at(self, path: str) -> str:
        return f"{self._root}/{path}" if path else self._root

    @contextmanager
    def _reaching(self, what: str) -> Iterator[None]:
        try:
            yield
        except (FileNotFoundError, FileExistsError):
            raise
        except Exception as error:  # each file system raises its own
            raise RegistryError(
                f"The registry {self.url} cannot be {what}: {error or type(error).__name__}. Check"
                " the URL, your access and the space that is left."
            ) from error


def _create_locally(path: Path, data: bytes) -> None:
    """Through a draft and a hard link, which fails where the name is taken."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(prefix=".", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(draft).chmod(0o644)
        os.link(draft, path)
    finally:
        Path(draft).unlink(missing_ok=True)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Make a new name survive a power cut, where the system can."""
    if hasattr(os, "O_DIRECTORY"):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
