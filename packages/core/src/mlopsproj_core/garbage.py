"""Versions that nobody needs any more: which they are, and how they are removed.

What an alias points at, what a rollback may go back to, what those were made from, the newest of
each model and what is young are never garbage. A removed version is gone with its manifest; its
other files follow, and `removed/{number}.json` tells of it. Its number is never taken again. A
removal may be interrupted anywhere, and is ended by the next one.
"""

import json
import logging
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from mlopsproj_core.copy_mark import refuse_unfinished
from mlopsproj_core.errors import BundleError, RegistryError
from mlopsproj_core.holds import marked, sweep
from mlopsproj_core.manifest import MANIFEST
from mlopsproj_core.model_version import ModelVersion, is_name
from mlopsproj_core.publication import CLAIM, claimed_at, tombstone
from mlopsproj_core.references import References
from mlopsproj_core.registry import Registry
from mlopsproj_core.store import Store

logger = logging.getLogger(__name__)

Kind = Literal["version", "unfinished", "half removed"]
_FILE = re.compile(r"(?P<number>[1-9][0-9]{0,17})/(?P<file>.+)")


@dataclass(frozen=True, slots=True)
class Garbage:
    """Files that may go.

    Attributes:
        version: whose they are.
        kind: a whole version; a publication that nobody finished; a removal that nobody finished.
        bytes: that become free.
        published: when its number was taken, UTC; None if that is not known.
    """

    version: ModelVersion
    kind: Kind
    bytes: int
    published: datetime | None


@dataclass(frozen=True, slots=True)
class Survey:
    """What was found in a registry.

    Attributes:
        garbage: what may go, sorted by version.
        kept: why each of the others stays.
        unreadable: models of which nothing is garbage, since an alias cannot be read, and why.
        settled: versions whose parents are known, and removed ones; others may come since.
    """

    garbage: tuple[Garbage, ...]
    kept: Mapping[ModelVersion, str]
    unreadable: Mapping[str, str]
    settled: frozenset[ModelVersion]


def find_garbage(registry: Registry, older_than: timedelta) -> Survey:
    """Look for what may be removed; changes nothing.

    Args:
        registry: that is looked through.
        older_than: since its number was taken; what is younger stays, and so does what nobody
            knows the age of.

    Raises:
        RegistryError: if the registry cannot be reached, or is an unfinished copy of another.
    """
    store = Store(registry.url)
    refuse_unfinished(store)
    before = datetime.now(UTC) - older_than
    references = References(store)
    found: list[Garbage] = []
    kept: dict[ModelVersion, str] = {}
    unreadable: dict[str, str] = {}
    settled: set[ModelVersion] = set()
    for name in filter(is_name, store.names("")):
        try:
            needed = references.of(name)
        except RegistryError as error:
            unreadable[name] = str(error)
            needed = {}
        versions, others, removed = _look_through(store, name)
        settled |= removed | {garbage.version for garbage in versions}
        if versions:
            needed.setdefault(versions[-1].version, "newest")
        for garbage in [*versions, *others]:
            if garbage.kind == "half removed":
                found.append(garbage)
            elif name in unreadable:
                kept[garbage.version] = "an alias cannot be read"
            elif garbage.kind == "version" and garbage.version in needed:
                kept[garbage.version] = needed[garbage.version]
            elif garbage.published is None or garbage.published > before:
                kept[garbage.version] = "young" if garbage.published else "of unknown age"
            else:
                found.append(garbage)
    protected = references.with_parents(kept)
    there = {*kept, *(garbage.version for garbage in found)}
    return Survey(
        garbage=tuple(sorted((g for g in found if g.version not in protected), key=_by_version)),
        kept={version: why for version, why in sorted(protected.items()) if version in there},
        unreadable=unreadable,
        settled=frozenset(settled),
    )


def remove_garbage(registry: Registry, survey: Survey, *, actor: str) -> Iterator[Garbage]:
    """Remove what a survey found, and what nobody needs since; may be interrupted.

    Args:
        registry: that the survey is of.
        survey: from `find_garbage`.
        actor: who removes it.

    Yields:
        each that was removed, when it is.

    Raises:
        RegistryError: if the registry cannot be written, an alias cannot be read any more, or
            another registry is being copied to it since.
    """
    store = Store(registry.url)
    references = References(store)
    for name in {garbage.version.name for garbage in survey.garbage}:
        sweep(store, name)
    for garbage in survey.garbage:
        refuse_unfinished(store)
        version = garbage.version
        if garbage.kind == "version":
            new = _since(store, survey)
            gone = _remove_version(registry, references, version, new=new, actor=actor)
        else:
            gone = _remove_unfinished(store, version, actor)
        if gone:
            _remove_files(store, version)
            yield garbage
        else:
            logger.info("%s stays: it is needed since", version)


def _since(store: Store, survey: Survey) -> dict[ModelVersion, str]:
    """Versions of all models that may have come since a survey, and count with their parents."""
    return {
        version: "young"
        for name in filter(is_name, store.names(""))
        for number in store.numbers(f"{name}/versions")
        if (version := ModelVersion(name, number)) not in survey.settled
    }


def _remove_version(
    registry: Registry,
    references: References,
    version: ModelVersion,
    *,
    new: Mapping[ModelVersion, str],
    actor: str,
) -> bool:
    """Make a version disappear, unless it is needed by now."""
    store = Store(registry.url)
    with marked(store, version):
        if version in references.with_parents({**new, **references.of(version.name)}):
            return False
        with suppress(BundleError, RegistryError):  # e.g. no home to keep copies in
            registry.forget_copy(version)
        store.remove(f"{version.folder}/{MANIFEST}")
        _tell(store, version, actor)
    return True


def _remove_unfinished(store: Store, version: ModelVersion, actor: str) -> bool:
    """See that nobody finishes a publication any more; `publish_bundle` looks for the tombstone.

    That stays also where the manifest has come meanwhile: another removal may have left it, whose
    publisher must find it. Beside a manifest, it means nothing.
    """
    manifest = f"{version.folder}/{MANIFEST}"
    if store.exists(manifest):
        return False
    _tell(store, version, actor)
    return not store.exists(manifest)


def _tell(store: Store, version: ModelVersion, actor: str) -> None:
    told = {"actor": actor, "time": datetime.now(UTC).isoformat()}
    with suppress(FileExistsError):
        store.create(tombstone(version), json.dumps(told).encode())


def _remove_files(store: Store, version: ModelVersion) -> None:
    """All but the claim, which keeps the number."""
    for file in store.files(version.folder):
        if file != CLAIM:
            store.remove(f"{version.folder}/{file}")


def _look_through(
    store: Store, name: str
) -> tuple[list[Garbage], list[Garbage], set[ModelVersion]]:
    """The versions of a model, ascending; what is left of others; those that were removed."""
    sizes: defaultdict[int, dict[str, int]] = defaultdict(dict)
    for path, size in store.sizes(f"{name}/versions").items():
        if match := _FILE.fullmatch(path):
            sizes[int(match["number"])][match["file"]] = size
    removed = set(store.numbers(f"{name}/removed", ".json"))
    versions: list[Garbage] = []
    others: list[Garbage] = []
    for number, files in sorted(sizes.items()):
        version = ModelVersion(name, number)
        size = sum(size for file, size in files.items() if file != CLAIM)
        if MANIFEST in files:
            versions.append(Garbage(version, "version", size, claimed_at(store, version)))
        elif number in removed and files.keys() > {CLAIM}:
            others.append(Garbage(version, "half removed", size, None))
        elif number not in removed:
            others.append(Garbage(version, "unfinished", size, claimed_at(store, version)))
    return versions, others, {ModelVersion(name, number) for number in removed}


def _by_version(garbage: Garbage) -> ModelVersion:
    return garbage.version
