"""A bundle becomes a version: its number is claimed, its files are added, its manifest comes last.

    {name}/versions/{number}/claim       who took the number, and when
    {name}/removed/{number}.json         a version that was removed since

A number is taken for ever, also by whoever dies before the manifest is written, or by a version
that is removed later. Knows nothing of aliases.
"""

import hashlib
import json
import os
from datetime import UTC, datetime
from uuid import uuid4

from mlopsproj_core.bundle import Bundle
from mlopsproj_core.errors import BundleCorruptError, RegistryError
from mlopsproj_core.manifest import MANIFEST, parse_manifest
from mlopsproj_core.model_version import ModelVersion
from mlopsproj_core.store import Store

CLAIM = "claim"


def publish_bundle(store: Store, bundle: Bundle) -> ModelVersion:
    """Add a bundle as the next version of the model that its manifest names.

    Raises:
        BundleCorruptError: if a file is not what the manifest says.
        RegistryError: if the registry cannot be written; nothing is visible then.
    """
    bundle.verify()
    manifest = _read_unchanged(bundle, MANIFEST)
    version = ModelVersion(bundle.manifest.name, _claim(store, bundle.manifest.name))
    for file in bundle.manifest.files:
        _add(store, version, file, _read_unchanged(bundle, file))
    _add(store, version, MANIFEST, manifest)
    # Whoever removes what is unfinished says so first, and looks for the manifest then.
    if store.exists(tombstone(version)):
        store.remove(f"{version.folder}/{MANIFEST}")
        raise RegistryError(
            f"{version} was taken for one that nobody would finish, and removed from {store.url}"
            " while it was published: publish it again."
        )
    return version


def tombstone(version: ModelVersion) -> str:
    """Where it is told that a version was removed."""
    return f"{version.name}/removed/{version.number}.json"


def claimed_at(store: Store, version: ModelVersion) -> datetime | None:
    """When a version's number was taken, in UTC; None if nothing that can be read says so."""
    try:
        time = datetime.fromisoformat(json.loads(store.read(f"{version.folder}/{CLAIM}"))["time"])
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return None
    return time.astimezone(UTC) if time.tzinfo else None


def _claim(store: Store, name: str) -> int:
    """Take the next free number, for ever: also one whose publisher dies is not used again."""
    folder = f"{name}/versions"
    number = max(store.numbers(folder), default=0)
    owner = json.dumps(
        {"id": str(uuid4()), "pid": os.getpid(), "time": datetime.now(UTC).isoformat()}
    )
    while True:
        number += 1
        try:
            store.create(f"{folder}/{number}/{CLAIM}", owner.encode())
        except FileExistsError:
            continue
        return number


def _add(store: Store, version: ModelVersion, file: str, data: bytes) -> None:
    try:
        store.create(f"{version.folder}/{file}", data)
    except FileExistsError:
        raise RegistryError(
            f"{version} in {store.url} holds a {file} already, which this publication did not"
            f" write: call it otherwise in the bundle, and publish that again."
        ) from None


def _read_unchanged(bundle: Bundle, file: str) -> bytes:
    """What a file holds now, if that is what the bundle was opened or sealed with.

    Raises:
        BundleCorruptError: if it was changed meanwhile.
    """
    path = bundle.path / file
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BundleCorruptError(f"{path} cannot be read ({error.strerror}).") from error
    if file == MANIFEST:
        unchanged = parse_manifest(data, str(path)) == bundle.manifest
    else:
        unchanged = hashlib.sha256(data).hexdigest() == bundle.manifest.files[file]
    if not unchanged:
        raise BundleCorruptError(f"{path} was changed while it was published: publish it again.")
    return data
