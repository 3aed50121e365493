"""What a mirrored version says of itself: whose it is, and which moves of aliases were mirrored.

It stands in the metadata of the artifact, where anybody may have changed it: what is read is
trusted for nothing but to find the version.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Self
from uuid import UUID

from mlopsproj_core.alias_history import AliasMove
from mlopsproj_core.manifest import Manifest, Sha256
from mlopsproj_core.registry import ModelVersion
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

_Version = Annotated[
    str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.-]{0,99}:[1-9][0-9]{0,17}$")
]


class MirroredMove(BaseModel):
    """A move of an alias that was told to the mirror.

    Attributes:
        sequence: of the move in its history.
        id: of the move, which tells it from those of other registries.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    sequence: Annotated[int, Field(ge=1)]
    id: UUID

    @classmethod
    def of(cls, move: AliasMove) -> Self:
        """What is kept of a move."""
        return cls(sequence=move.sequence, id=move.id)


class Label(BaseModel):
    """Which version an artifact is.

    Attributes:
        version: `name:number`.
        manifest_sha256: of its `manifest.json`, which tells versions of other registries apart.
        moves: by alias, the last one to this version that was mirrored.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    version: _Version
    manifest_sha256: Sha256
    moves: dict[str, MirroredMove] = {}

    @classmethod
    def read(cls, metadata: Mapping[str, Any]) -> Self | None:
        """That of an artifact; None for one that was not mirrored from any registry."""
        try:
            return cls.model_validate(dict(metadata))
        except ValidationError:
            return None

    def moved(self, alias: str, move: AliasMove) -> "Label":
        """The same, with a move that was mirrored."""
        return self.model_copy(update={"moves": {**self.moves, alias: MirroredMove.of(move)}})

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return self.model_dump(mode="json")


def facts(version: ModelVersion, manifest: Manifest, label: Label) -> dict[str, Any]:
    """Metadata of a version: its label, and what people look for."""
    return {
        **label.as_dict(),
        "model": version.name,
        "metrics": {name: metric.model_dump() for name, metric in manifest.metrics.items()},
        "data": manifest.data.name,
        "data_fingerprint": manifest.data.fingerprint,
        "parent": manifest.parent,
        "git_commit": manifest.git_commit,
        "created": manifest.created.isoformat(),
    }
