"""An alias of the mirror pointed where the registry's points, whatever it points at there."""

from mlopsproj_core.registry import Registry

from mlopsproj_mirror.contents import Contents
from mlopsproj_mirror.service import Service


def point_as_ours(
    registry: Registry, service: Service, contents: Contents, alias: str
) -> int | None:
    """Point an alias where ours points, and note which move that was.

    Args:
        registry: the truth; it has the alias.
        service: that is changed.
        contents: of both, as they were just looked at.
        alias: that is moved.

    Returns:
        The version that it points at since; None if the mirror lacks it.

    Raises:
        MirrorError: if the mirror refuses or is away.
    """
    ours = contents.aliases[alias]
    while True:
        member = contents.members.get(ours.version)
        if member is None:
            return None
        service.point(member, alias, ours)
        contents = Contents.look(registry, service, contents.name)
        last = contents.aliases.get(alias, ours)
        if last.id == ours.id:
            return ours.version
        # Whoever moved it meanwhile may have told W&B before we did.
        ours = last
