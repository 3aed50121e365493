"""What an account of the stand-in holds: artifacts, and the collections that they are members of.

A sequence is the collection that an artifact was logged in; a portfolio, such as one of a registry,
holds links. Knows nothing of GraphQL and HTTP.
"""

from dataclasses import dataclass, field
from itertools import count


@dataclass
class Artifact:
    """A version of an artifact; `files` are there once it is committed."""

    id: str
    sequence: "Collection"
    index: int
    digest: str
    metadata: str | None
    description: str | None
    state: str = "PENDING"
    files: dict[str, bytes] = field(default_factory=dict)


@dataclass
class Collection:
    """Members by the number that they have here, and which of them an alias points at."""

    id: str
    entity: str
    project: str
    name: str
    type: str
    kind: str
    members: dict[int, Artifact] = field(default_factory=dict)
    aliases: dict[str, Artifact] = field(default_factory=dict)

    def add(self, artifact: Artifact) -> int:
        """Its number; the same for one that is a member already."""
        for index, member in self.members.items():
            if member is artifact:
                return index
        index = len(self.members)
        self.members[index] = artifact
        return index

    def aliases_of(self, artifact: Artifact) -> list[str]:
        return sorted(alias for alias, at in self.aliases.items() if at is artifact)


class Account:
    """A team, its organization, and what both hold."""

    def __init__(self, *, team: str, organization: str, registries: list[str]) -> None:
        self.team = team
        self.organization = organization
        self.registries = {f"wandb-registry-{name}" for name in registries}
        self.collections: dict[tuple[str, str, str], Collection] = {}
        self.artifacts: dict[str, Artifact] = {}
        self.projects: set[str] = set()
        self._numbers = count(1)

    @property
    def organization_entity(self) -> str:
        return f"{self.organization}-entity"

    def new_id(self, kind: str) -> str:
        return f"{kind}-{next(self._numbers)}"

    def is_project(self, entity: str, project: str) -> bool:
        if entity == self.organization_entity:
            return project in self.registries
        return entity == self.team and project in self.projects

    def collection(self, entity: str, project: str, name: str) -> Collection | None:
        return self.collections.get((entity, project, name))

    def linked(self, name: str, registry: str = "model") -> Collection:
        """The collection of a registry; raises KeyError where there is none."""
        return self.collections[self.organization_entity, f"wandb-registry-{registry}", name]

    def create(
        self,
        *,
        entity: str,
        project: str,
        name: str,
        type_: str,
        digest: str,
        metadata: str | None,
        description: str | None,
    ) -> Artifact:
        """A draft, or the one of the sequence that has the same content."""
        sequence = self._collection(entity, project, name, type_, "ArtifactSequence")
        for known in sequence.members.values():
            if known.digest == digest:
                return known
        artifact = Artifact(
            self.new_id("artifact"), sequence, len(sequence.members), digest, metadata, description
        )
        sequence.add(artifact)
        self.artifacts[artifact.id] = artifact
        return artifact

    def link(self, artifact: Artifact, entity: str, project: str, name: str) -> Collection:
        """Make an artifact a member of a collection, which is made where there is none."""
        type_ = artifact.sequence.type
        portfolio = self._collection(entity, project, name, type_, "ArtifactPortfolio")
        portfolio.add(artifact)
        portfolio.aliases["latest"] = artifact
        return portfolio

    def _collection(
        self, entity: str, project: str, name: str, type_: str, kind: str
    ) -> Collection:
        key = (entity, project, name)
        if key not in self.collections:
            self.collections[key] = Collection(self.new_id("collection"), *key, type_, kind)
        return self.collections[key]
