"""What the registry and its mirror hold of one model, side by side."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mlopsproj_core.alias_history import AliasMove
from mlopsproj_core.errors import BundleError, RegistryError
from mlopsproj_core.manifest import MANIFEST
from mlopsproj_core.registry import ModelVersion, Registry
from mlopsproj_core.store import Store

from mlopsproj_mirror.service import Member, Service
from mlopsproj_mirror.settling import Mirrored, Moved, who_moved
from mlopsproj_mirror.target import is_taken


@dataclass(frozen=True)
class Contents:
    """One model, here and there.

    Attributes:
        name: of the model.
        digests: sha256 of the manifest of each version here.
        aliases: the last move of each alias here.
        members: the mirrored version, by number.
        foreign: members of the collection that are no version of this registry.
        told: what cannot be mirrored, and why.
    """

    name: str
    digests: Mapping[int, str]
    aliases: Mapping[str, AliasMove]
    members: Mapping[int, Member]
    foreign: Sequence[Member]
    told: list[str] = field(default_factory=list)

    @classmethod
    def look(cls, registry: Registry, service: Service, name: str) -> "Contents":
        """Look at both.

        Raises:
            MirrorError: if the mirror cannot be read.
            RegistryError: if the registry cannot.
        """
        told: list[str] = []
        digests = _digests(registry, name, told)
        moves, unreadable = registry.survey_aliases(name)
        told += unreadable.values()
        for alias in [alias for alias in moves if is_taken(alias)]:
            told.append(f"{name}@{alias} is not mirrored: W&B moves an alias of that name itself.")
            del moves[alias]
        members: dict[int, Member] = {}
        foreign = []
        for member in service.members(name):
            number = _number_of(member, name, digests)
            if number is None:
                foreign.append(member)
            else:
                members.setdefault(number, member)
        return cls(name, digests, moves, members, foreign, told)

    @property
    def versions(self) -> set[str]:
        """Names of the versions here, `name:number`."""
        return {f"{self.name}:{number}" for number in self.digests}

    def there(self, alias: str) -> int | None:
        """The version that an alias points at in the mirror; None for nothing of this registry."""
        return next((n for n, member in self.members.items() if alias in member.aliases), None)

    def foreign_at(self, alias: str) -> Member | None:
        """What an alias points at in the mirror, where that is no version of this registry."""
        return next((member for member in self.foreign if alias in member.aliases), None)

    def moved(self, alias: str) -> Moved:
        """Who moved an alias since both agreed."""
        return who_moved(self.aliases.get(alias), self._mirrored(alias), self.there(alias))

    def apart(self, alias: str) -> str:
        """Where an alias points at there, and where here, as a part of a sentence."""
        there, foreign = self.there(alias), self.foreign_at(alias)
        at = f"version {there}" if there else foreign.called if foreign else "nothing"
        ours = self.aliases.get(alias)
        return (
            f"to {at}, while it points at {f'version {ours.version}' if ours else 'nothing'} here"
        )

    def _mirrored(self, alias: str) -> Mirrored | None:
        found = [
            Mirrored(number, member.label.moves[alias])
            for number, member in self.members.items()
            if member.label and alias in member.label.moves
        ]
        return max(found, key=lambda mirrored: mirrored.move.sequence, default=None)


def _digests(registry: Registry, name: str, told: list[str]) -> dict[int, str]:
    """Of the manifest of each version that can be read; the others are told."""
    store = Store(registry.url)
    digests = {}
    for number in registry.versions(name):
        try:
            registry.manifest(ModelVersion(name, number))
            text = store.read(f"{name}/versions/{number}/{MANIFEST}")
        except (BundleError, RegistryError, FileNotFoundError) as error:
            told.append(f"{name}:{number} is not mirrored: {error}")
        else:
            digests[number] = hashlib.sha256(text).hexdigest()
    return digests


def _number_of(member: Member, name: str, digests: Mapping[int, str]) -> int | None:
    if member.label is None:
        return None
    for number, digest in digests.items():
        if (member.label.version, member.label.manifest_sha256) == (f"{name}:{number}", digest):
            return number
    return None
