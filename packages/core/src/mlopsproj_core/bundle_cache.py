"""Copies on this machine of bundles that lie elsewhere: verified, kept, and mended when damaged.

A copy is called after its manifest, so that another bundle is never taken for it. Knows nothing of
where bundles come from.
"""

import hashlib
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from uuid import uuid4

from mlopsproj_core.bundle import sha256_of
from mlopsproj_core.errors import BundleCorruptError, RegistryError
from mlopsproj_core.local_files import put_in_place
from mlopsproj_core.manifest import MANIFEST


def default_cache() -> Path:
    """`$XDG_CACHE_HOME`, else `~/.cache`, and there `mlopsproj/registry`.

    Raises:
        RegistryError: if there is no home.
    """
    try:
        root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except RuntimeError as error:  # an unknown user in a container
        raise RegistryError(
            "There is no home to keep a copy of the model in: set XDG_CACHE_HOME to a folder."
        ) from error
    return root / "mlopsproj" / "registry"


def cached_copy(
    cache: Path, name: str, manifest: bytes, files: Mapping[str, str], read: Callable[[str], bytes]
) -> Path:
    """A folder that holds a bundle, made complete by what `read` gives.

    Files that are there already and unchanged are not read again; each is put in its place whole,
    so that any number of processes may do this at once.

    Args:
        cache: folder of all copies.
        name: of the model.
        manifest: content of the bundle's manifest, which is written last.
        files: sha256 of every other file.
        read: gives the content of a file.

    Raises:
        BundleCorruptError: if `read` gives something else than the manifest says.
        RegistryError: if the copy cannot be written.
    """
    folder = _folder(cache, name, manifest)
    wanted = {**files, MANIFEST: hashlib.sha256(manifest).hexdigest()}
    for file, expected in wanted.items():
        if _is_whole(folder / file, expected):
            continue
        data = manifest if file == MANIFEST else read(file)
        found = hashlib.sha256(data).hexdigest()
        if found != expected:
            raise BundleCorruptError(
                f"{file} of {name} was changed or came damaged: its sha256 is {found[:12]}…, the"
                f" manifest says {expected[:12]}…: try again, then `registry verify {name}`."
            )
        try:
            _put(folder / file, data)
        except OSError as error:
            if _is_whole(folder / file, expected):  # another process was faster, and reads it
                continue
            raise RegistryError(
                f"A copy of the model cannot be kept in {folder}: {error}. Free some space there,"
                " or set XDG_CACHE_HOME to a folder that can be written."
            ) from error
    return folder


def forget_copy(cache: Path, name: str, manifest: bytes) -> None:
    """Remove the copy of a bundle, if there is one; who still wants it fetches it again.

    Args:
        cache: folder of all copies.
        name: of the model.
        manifest: content of the bundle's manifest.
    """
    shutil.rmtree(_folder(cache, name, manifest), ignore_errors=True)


def _folder(cache: Path, name: str, manifest: bytes) -> Path:
    return cache / name / hashlib.sha256(manifest).hexdigest()[:32]


def _is_whole(path: Path, expected: str) -> bool:
    try:
        return sha256_of(path) == expected
    except OSError:
        return False


def _put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        draft.write_bytes(data)
        put_in_place(draft, path)
    finally:
        draft.unlink(missing_ok=True)
