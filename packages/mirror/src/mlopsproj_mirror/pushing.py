"""The registry's versions and aliases told to its mirror, as far as the mirror lacks them.

Pushed twice, the second time does nothing. What somebody moved there is left for `pull`, unless it
was moved here too: then ours counts.
"""

import logging
from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Any

from mlopsproj_core.bundle import Bundle
from mlopsproj_core.errors import BundleError, RegistryError
from mlopsproj_core.registry import ModelVersion, Registry

from mlopsproj_mirror.contents import Contents
from mlopsproj_mirror.label import Label, facts
from mlopsproj_mirror.pointing import point_as_ours
from mlopsproj_mirror.service import Service
from mlopsproj_mirror.settling import Moved

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Push:
    """What the mirror was given.

    Attributes:
        uploaded: versions that it lacked, `name:number`.
        moved: aliases that it had elsewhere, `name@alias`, and the version that they went to.
        told: what is otherwise there, or could not be mirrored, in sentences.
    """

    uploaded: tuple[str, ...]
    moved: dict[str, int]
    told: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return asdict(self)


def push(registry: Registry, service: Service, *, names: Collection[str] | None = None) -> Push:
    """Bring the mirror up to date.

    Args:
        registry: the truth.
        service: that is brought up to date.
        names: of the models; all unless given.

    Raises:
        MirrorError: if the mirror refuses or is away; what it has taken by then stays.
        RegistryError: if the registry cannot be read.
    """
    uploaded: list[str] = []
    moved: dict[str, int] = {}
    told: list[str] = []
    for name in registry.names() if names is None else names:
        contents = Contents.look(registry, service, name)
        added = _upload(registry, service, contents)
        uploaded += added
        told += contents.told
        if added:
            contents = Contents.look(registry, service, name)
        told += _told_of_foreign(contents)
        for alias in contents.aliases:
            version = _push_alias(registry, service, contents, alias, told)
            if version is not None:
                moved[f"{name}@{alias}"] = version
    return Push(tuple(uploaded), moved, tuple(told))


def _push_alias(
    registry: Registry, service: Service, contents: Contents, alias: str, told: list[str]
) -> int | None:
    """The version that an alias of the mirror points at since; None if it stays."""
    called = f"{contents.name}@{alias}"
    match contents.moved(alias):
        case Moved.nobody:
            return None
        case Moved.there:
            told.append(
                f"{called} was moved in W&B, {contents.apart(alias)}: `registry mirror pull` asks"
                " the gates whether it may be."
            )
            return None
        case Moved.both:
            told.append(
                f"{called} was moved both here and in W&B, {contents.apart(alias)}: ours counts,"
                " and W&B is set back."
            )
        case Moved.here:
            pass
    there = contents.there(alias)
    version = point_as_ours(registry, service, contents, alias)
    if version is None:
        told.append(f"{called} is not mirrored: W&B lacks the version that it points at.")
    return None if version == there else version


def _upload(registry: Registry, service: Service, contents: Contents) -> list[str]:
    """Versions that the mirror lacked; damaged ones are told instead."""
    lacking: list[tuple[Bundle, Label]] = []
    for number in sorted(contents.digests.keys() - contents.members.keys()):
        version = ModelVersion(contents.name, number)
        try:
            bundle = Bundle.open(registry.fetch(version))
            bundle.verify()
        except (BundleError, RegistryError) as error:
            contents.told.append(f"{version} is not mirrored: {error}")
            continue
        digest = contents.digests[number]
        lacking.append((bundle, Label(version=str(version), manifest_sha256=digest)))
    if not lacking:
        return []
    with service.uploading() as add:
        for bundle, label in lacking:
            number = int(label.version.rpartition(":")[2])
            add(bundle, label, facts(ModelVersion(contents.name, number), bundle.manifest, label))
            logger.info("mirrored %s", label.version)
    return [label.version for _, label in lacking]


def _told_of_foreign(contents: Contents) -> list[str]:
    told = []
    gone = []
    for member in contents.foreign:
        if member.label is None:
            told.append(f"{member.called} is somebody else's: it is no version of {contents.name}.")
        elif member.label.version in contents.versions:
            told.append(
                f"{member.called} calls itself {member.label.version}, and is another one than"
                " ours: it was mirrored from another registry, or changed. Remove it in W&B."
            )
        else:
            gone.append(member.label.version)
    if gone:
        told.append(f"W&B has what is not here, or not any more: {', '.join(sorted(gone))}.")
    return told
