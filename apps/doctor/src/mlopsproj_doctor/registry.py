"""Whether the registry can be reached, and whether what it holds can be used by this release.

Reads manifests and the last move of each alias; no bundle. Knows nothing of what a model computes.
"""

import os
import time
from collections.abc import Iterator, Sequence
from typing import Final

from mlopsproj_core.copy_mark import refuse_unfinished
from mlopsproj_core.errors import BundleError, MlopsprojError, RegistryError
from mlopsproj_core.manifest import SCHEMA
from mlopsproj_core.model_version import is_name
from mlopsproj_core.registry import PRODUCTION, ModelVersion, Registry
from mlopsproj_core.store import Store

from mlopsproj_doctor.findings import Finding, fail, ok, warn
from mlopsproj_doctor.places import exists, local_folder
from mlopsproj_doctor.variables import DoctorSettings

MANIFESTS_SECONDS: Final = 3.0
"""For reading the manifests of versions that nothing points at: there may be thousands."""


def examine() -> Iterator[Finding]:
    """Look at the registry that the environment names."""
    settings = DoctorSettings()
    yield from examine_registry(Registry(settings.registry_url), settings.model)


def examine_registry(registry: Registry, model: str | None) -> Iterator[Finding]:
    """Look at a registry.

    Args:
        registry: whose first reading may raise RegistryError.
        model: content of `MLOPSPROJ_MODEL`.
    """
    store = Store(registry.url)
    models = list(filter(is_name, store.names("")))
    if models:  # said before thousands of versions are listed: that may take its time
        yield ok("registry", f"{registry.url} can be reached")
    try:
        refuse_unfinished(store)
    except RegistryError as error:
        yield fail("copy", str(error))
    versions: list[ModelVersion] = []
    aliased: list[ModelVersion] = []
    for name in models:
        numbers = registry.versions(name)
        if not numbers:
            continue
        versions += [ModelVersion(name, number) for number in numbers]
        findings, pointed_at = _examine_model(registry, name, numbers)
        aliased += pointed_at
        yield from findings
    if not versions:
        yield _empty(registry.url)
        return
    names = sorted({version.name for version in versions})
    yield from _examine_manifests(registry, versions, aliased)
    if model is not None:
        yield _examine_reference(registry, model)
    elif len(names) > 1:
        yield warn(
            "MLOPSPROJ_MODEL",
            f"{registry.url} holds several models: predict and api do not know which is meant",
            f"Set it to one of {', '.join(names)}.",
        )


def _empty(url: str) -> Finding:
    folder = local_folder(url)
    if folder is None or exists(folder):
        return ok("models", f"{url} holds no model yet: `uv run train` makes one")
    told = f"{url} does not exist yet: the first model that is published makes it"
    if os.environ.get("MLOPSPROJ_REGISTRY_URL"):
        return warn("models", told, "See that MLOPSPROJ_REGISTRY_URL names what you mean.")
    return ok("models", f"{told}; `uv run train`")


def _examine_model(
    registry: Registry, name: str, numbers: list[int]
) -> tuple[list[Finding], list[ModelVersion]]:
    """Its findings, and the versions that its aliases point at."""
    moves, unreadable = registry.survey_aliases(name)
    points = ", ".join(f"{alias} is {move.version}" for alias, move in moves.items())
    count = f"{len(numbers)} version{'s' if len(numbers) > 1 else ''}"
    findings = [ok(name, f"{count} in {registry.url}; {points or 'no alias'}")]
    findings += [fail(f"{name}@{alias}", why) for alias, why in unreadable.items()]
    findings += [
        fail(
            f"{name}@{alias}",
            f"points at version {move.version}, which is not there",
            f"`registry rollback {name} --alias {alias}`, or promote another.",
        )
        for alias, move in moves.items()
        if move.version not in numbers
    ]
    if PRODUCTION not in moves and PRODUCTION not in unreadable:
        mend = f"`registry promote {name}:{numbers[-1]}`"
        findings.append(warn(f"{name}@{PRODUCTION}", "points at no version", mend))
    return findings, [ModelVersion(name, move.version) for move in moves.values()]


def _examine_manifests(
    registry: Registry, versions: Sequence[ModelVersion], aliased: Sequence[ModelVersion]
) -> Iterator[Finding]:
    """Read what versions say of themselves: those in use first, then the newest."""
    used = sorted(set(aliased) & set(versions))
    others = sorted(set(versions) - set(used), key=lambda version: -version.number)
    end = time.monotonic() + MANIFESTS_SECONDS
    looked_at = unreadable = 0
    for version in (*used, *others):
        if version not in used and time.monotonic() > end:
            break
        looked_at += 1
        try:
            registry.manifest(version)
        except (BundleError, RegistryError) as error:
            unreadable += 1
            if version in used:
                yield fail(str(version), str(error))
            else:
                yield warn(str(version), f"{error} Nothing points at it.")
    readable = f"{looked_at - unreadable} of {looked_at} manifests can be read"
    rest = len(versions) - looked_at
    left = f"; `registry verify` reads the other {rest} too" if rest else ""
    yield ok("bundles", f"{readable}, of schema {SCHEMA} as this release reads it{left}")


def _examine_reference(registry: Registry, model: str) -> Finding:
    try:
        version = registry.resolve(model)
    except MlopsprojError as error:
        return fail("MLOPSPROJ_MODEL", str(error))
    return ok("MLOPSPROJ_MODEL", f"{model} is {version}")
