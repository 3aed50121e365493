"""A sealed bundle into the registry: the first version goes to production, the rest are candidates.

Knows nothing of training.
"""

import getpass
import logging
from dataclasses import dataclass

from mlopsproj_core.bundle import Bundle
from mlopsproj_core.errors import StaleError
from mlopsproj_core.registry import ModelVersion, Registry
from mlopsproj_evaluation.gates import judge

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Publication:
    """Where a bundle went.

    Attributes:
        version: in the registry.
        alias: that points at it now.
    """

    version: ModelVersion
    alias: str


def publish(bundle: Bundle, registry: Registry, *, run: str) -> Publication:
    """Publish `bundle` and move an alias to it.

    Args:
        bundle: sealed.
        registry: where to.
        run: the folder of the run, told in the alias's history.

    Raises:
        RegistryError: if the registry refuses or cannot be reached.
    """
    version = registry.publish(bundle)
    actor = getpass.getuser()
    if not registry.history(version.name, "production"):
        gates = [result.as_dict() for result in judge(bundle, None)]
        try:
            registry.move_alias(
                version.name,
                "production",
                version.number,
                actor=actor,
                reason=f"first version, trained in {run}",
                gates=gates,
                expected_sequence=0,
            )
        except StaleError:
            logger.info("another first version got in before %s", version)
        else:
            return Publication(version, "production")
    registry.move_alias(
        version.name, "candidate", version.number, actor=actor, reason=f"trained in {run}"
    )
    return Publication(version, "candidate")
