"""Whether everything in a registry is what it should be: each version, and where aliases point.

Knows nothing of arguments and of how the answer is shown.
"""

from dataclasses import dataclass

from mlopsproj_core.copy_mark import refuse_unfinished
from mlopsproj_core.errors import BundleError, NotFoundError, RegistryError
from mlopsproj_core.registry import Registry
from mlopsproj_core.store import Store


@dataclass(frozen=True)
class Verification:
    """What was looked at, and what is wrong.

    Attributes:
        verified: versions whose every file is what their manifest says, `name:number`.
        broken: why something must not be used, by `name:number` of a version, or `name@alias` of
            an alias that cannot be read or points at nothing, or by the URL of a registry that is
            an unfinished copy.
    """

    verified: tuple[str, ...]
    broken: dict[str, str]


def verify_registry(registry: Registry, reference: str | None = None) -> Verification:
    """Hold every file of one version, or of all, against its recorded sha256.

    Goes on after what is broken, so that one answer names all of it.

    Args:
        registry: that is looked through.
        reference: `name:version` or `name@alias`; everything, aliases too, unless given.

    Raises:
        NotFoundError: if there is no such version, or none at all.
        RegistryError: if the registry cannot be reached.
    """
    versions = [registry.resolve(reference)] if reference else registry.all_versions()
    if not versions:
        raise NotFoundError(f"{registry.url} holds no model: make one with `uv run train`.")
    verified: list[str] = []
    broken: dict[str, str] = {}
    for version in versions:
        try:
            registry.verify(version)
        except (BundleError, RegistryError) as error:
            broken[str(version)] = str(error)
        else:
            verified.append(str(version))
    if not reference:
        try:
            refuse_unfinished(Store(registry.url))
        except RegistryError as error:
            broken[registry.url] = str(error)
        for name in registry.names():
            broken |= _broken_aliases(registry, name)
    return Verification(tuple(verified), broken)


def _broken_aliases(registry: Registry, name: str) -> dict[str, str]:
    """Aliases that cannot be read, and those that point at a version which is not there."""
    aliases, unreadable = registry.survey_aliases(name)
    versions = registry.versions(name)
    dangling = {
        f"{name}@{alias}": f"{name}@{alias} points at version {move.version}, which is not there:"
        " roll back, or promote another."
        for alias, move in aliases.items()
        if move.version not in versions
    }
    return {f"{name}@{alias}": error for alias, error in unreadable.items()} | dangling
