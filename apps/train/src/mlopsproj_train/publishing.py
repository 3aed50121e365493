"""A sealed bundle into the registry: the first version goes to production, the rest are candidates.

Knows nothing of training.
"""

import logging
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from mlopsproj_core.actor import current_actor
from mlopsproj_core.bundle import Bundle
from mlopsproj_core.errors import StaleError
from mlopsproj_core.events import announce
from mlopsproj_core.registry import CANDIDATE, PRODUCTION, ModelVersion, Registry
from mlopsproj_evaluation import GateResult, Verdict, judge, overall

from mlopsproj_train.arguments import quoted

logger = logging.getLogger(__name__)

PREDICT = "uv run predict FILE_OR_FOLDER"
"""What asks the model in production."""


@dataclass(frozen=True)
class Publication:
    """Where a bundle went.

    Attributes:
        version: in the registry.
        alias: that points at it now.
    """

    version: ModelVersion
    alias: str


def publish(bundle: Bundle, registry: Registry, *, run: str, event_url: str) -> Publication:
    """Publish `bundle` and move an alias to it.

    A process that is killed in here may have published: the run that goes on then publishes once
    more, as a candidate that says the same. None is lost.

    Args:
        bundle: sealed.
        registry: where to.
        run: the folder of the run, told in the alias's history.
        event_url: where it is told that a model went to production.

    Raises:
        RegistryError: if the registry refuses or cannot be reached.
    """
    version = registry.publish(bundle)
    actor = current_actor()
    if not registry.history(version.name, PRODUCTION):
        gates = judge(bundle, None)
        if overall(gates) is Verdict.passed and _go_first(
            version, registry, run=run, actor=actor, gates=gates, event_url=event_url
        ):
            return Publication(version, PRODUCTION)
    registry.move_alias(
        version.name, CANDIDATE, version.number, actor=actor, reason=f"trained in {run}"
    )
    return Publication(version, CANDIDATE)


def _go_first(
    version: ModelVersion,
    registry: Registry,
    *,
    run: str,
    actor: str,
    gates: Sequence[GateResult],
    event_url: str,
) -> bool:
    """Point production at the first version, unless another got in before."""
    try:
        move = registry.move_alias(
            version.name,
            PRODUCTION,
            version.number,
            actor=actor,
            reason=f"first version, trained in {run}",
            gates=[gate.as_dict() for gate in gates],
            expected_sequence=0,
        )
    except StaleError:
        logger.info("another first version got in before %s", version)
        return False
    announce(version.name, move, registry.url, event_url)
    return True


def next_command(publication: Publication, registry: Registry, *, given: str | None) -> str:
    """What a user would type after a publication.

    Args:
        publication: that was made.
        registry: where it was made.
        given: the registry's URL where it was a setting, so that the next command needs it too.
    """
    version = publication.version
    if publication.alias != PRODUCTION:
        option = f" --registry {shlex.quote(given)}" if given else ""
        return f"uv run registry promote {version}{option}"
    settings = [f"registry={quoted(given)}"] if given else []
    if len(registry.names()) > 1:
        settings.append(f"bundle={version.name}")
    return shlex.join([*shlex.split(PREDICT), *settings])
