"""Which registry of Weights & Biases is meant, and what things are called there.

Knows nothing of its service.
"""

import re
from dataclasses import dataclass
from typing import Final, Self

from mlopsproj_core.errors import ConfigError

PROJECT: Final = "mlopsproj-registry"
"""Where the artifacts are logged that the registry links to; not that of the runs of `train`, which
log a bundle under the same name."""

_WRITTEN = re.compile(r"(?P<entity>[\w.-]+)/(?:wandb-registry-)?(?P<registry>[\w-]+)", re.ASCII)
_OF_WANDB = re.compile(r"latest|v\d+", re.IGNORECASE)


@dataclass(frozen=True)
class Target:
    """A registry.

    Attributes:
        entity: the team, or user, that logs the artifacts; its organization has the registry.
        registry: its name, as it is shown there.
    """

    entity: str
    registry: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Of `ENTITY/REGISTRY`.

        Raises:
            ConfigError: if it is none.
        """
        match = _WRITTEN.fullmatch(text)
        if match is None:
            raise ConfigError(
                f"{text!r} is no registry of W&B: write ENTITY/REGISTRY, e.g. my-team/model, as"
                " MLOPSPROJ_WANDB_REGISTRY or --target."
            )
        return cls(match["entity"], match["registry"])

    def __str__(self) -> str:
        return f"{self.entity}/{self.registry}"

    def collection(self, name: str) -> str:
        """Path of the collection that holds the versions of a model."""
        return f"wandb-registry-{self.registry}/{name}"


def is_taken(alias: str) -> bool:
    """Whether W&B itself moves the alias: it cannot be mirrored."""
    return _OF_WANDB.fullmatch(alias) is not None
