"""The mirror kept up to date by commands that changed the registry, where a mirror is wished.

A mirror that fails is a warning: what the command did is done, and `push` brings it there later.
"""

import logging
from collections.abc import Collection

from mlopsproj_core.errors import MlopsprojError
from mlopsproj_core.registry import Registry

from mlopsproj_mirror.pushing import push
from mlopsproj_mirror.service import Service
from mlopsproj_mirror.target import Target

logger = logging.getLogger(__name__)


def mirror_changes(registry: Registry, wanted: str | None, names: Collection[str]) -> None:
    """Push the versions and aliases of some models, if a mirror is wished.

    Args:
        registry: that was changed.
        wanted: the mirror as `ENTITY/REGISTRY`; None for none.
        names: of the models.
    """
    if not wanted:
        return
    try:
        answer = push(registry, Service(Target.parse(wanted)), names=names)
    except MlopsprojError as error:
        logger.warning("Not mirrored: %s Later: `registry mirror push`.", error)
        return
    for sentence in answer.told:
        logger.warning("mirror: %s", sentence)
