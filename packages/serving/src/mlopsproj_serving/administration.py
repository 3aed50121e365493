"""What an administrator asks of the registry: where aliases point, a promotion, a step back.

Everything here blocks. What judges a version is imported when it is asked for: it is large, most
processes never need it, and it is the extra `promotion`. Knows nothing of HTTP.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mlopsproj_core.errors import ConfigError, GateRefusedError, ServingError, UndecidedError

from mlopsproj_serving.background import LOW, at_low_priority

if TYPE_CHECKING:
    from mlopsproj_core.registry import AliasMove, Registry
    from mlopsproj_evaluation.promotion import Promotion


class Administration:
    """Works on one registry; may be used from several threads at once."""

    def __init__(self, registry: "Registry", *, event_url: str) -> None:
        """Work on this registry.

        Args:
            registry: that holds the models.
            event_url: where moves are told, see `mlopsproj_core.events.deliver`.
        """
        self._registry = registry
        self._event_url = event_url

    def aliases(self, name: str) -> "tuple[dict[str, AliasMove], dict[str, str]]":
        """Where the aliases of a model point, and why others cannot be read.

        Raises:
            RegistryError: if the registry cannot be reached.
        """
        return self._registry.survey_aliases(name)

    def promote(
        self,
        reference: str,
        *,
        alias: str,
        actor: str,
        reason: str,
        margin: float | None = None,
        without: Sequence[str] = (),
        accept_undecided: str | None = None,
        force: str | None = None,
    ) -> "Promotion":
        """Judge a version, and point an alias at it.

        It leaves the CPU to the traffic, and times graphs for a minute or so at most. The champion
        is not scored again: that needs images, which a service has none of. What the gates accept
        is said by `MLOPSPROJ_GATE_…` in the environment of this process.

        Args:
            reference: `name:version` or `name@alias`.
            alias: that is moved.
            actor: who asks.
            reason: told in the history.
            margin: loss of accuracy that is accepted, from 0 to below 1; as the environment says,
                else half a point, unless given.
            without: names of gates that are not asked.
            accept_undecided: why an undecided version is promoted all the same.
            force: why a version is promoted against its gates.

        Raises:
            GateRefusedError: if a gate refuses.
            UndecidedError: if the evidence does not suffice.
            ServingError: if a variable cannot be used, or the extra `promotion` is not installed.
            MlopsprojError: as `mlopsproj_evaluation.promotion.promote_version`.
        """
        with _installed():
            from mlopsproj_evaluation.gates import GateLimits  # noqa: PLC0415 (it is large)
            from mlopsproj_evaluation.promotion import (  # noqa: PLC0415 (it is large)
                promote_version,
            )

        try:
            usual = GateLimits.from_environment(os.environ)
        except ConfigError as error:  # the operator's mistake: no caller can mend it
            raise ServingError(f"The service judges nothing: {error}") from error
        limits = GateLimits.from_environment(os.environ, margin=margin, without=tuple(without))
        promotion = at_low_priority(
            lambda: promote_version(
                self._registry,
                reference,
                alias=alias,
                actor=actor,
                reason=reason,
                event_url=self._event_url,
                limits=limits,
                usual=usual,
                accept_undecided=accept_undecided,
                force=force,
            ),
            niceness=LOW,
        )
        if promotion.moved is None:
            raise _refusal(promotion, alias)
        return promotion

    def roll_back(
        self, name: str, *, alias: str, actor: str, reason: str
    ) -> "tuple[str, AliasMove]":
        """Point an alias at the version before.

        Returns:
            Name of the model, and the move.

        Raises:
            ServingError: if the extra `promotion` is not installed.
            MlopsprojError: as `mlopsproj_evaluation.promotion.roll_back`.
        """
        with _installed():
            from mlopsproj_evaluation.promotion import roll_back  # noqa: PLC0415 (it is large)

        return roll_back(
            self._registry, name, alias=alias, actor=actor, reason=reason, event_url=self._event_url
        )


@contextmanager
def _installed() -> Iterator[None]:
    """Say how to mend an import of what judges, where that is not installed."""
    try:
        yield
    except ImportError as error:
        raise ServingError(
            "This service moves no alias: the extra `promotion` of mlopsproj-api is not installed."
            " Ask the command `registry`, which does; the service follows."
        ) from error


def _refusal(promotion: "Promotion", alias: str) -> GateRefusedError | UndecidedError:
    verdict = promotion.verdict
    found = "; ".join(
        f"{gate.name}: {gate.figure}, wanted {gate.limit} ({gate.detail})"
        for gate in promotion.gates
        if gate.verdict == verdict
    )
    stays = f"{promotion.version.name}@{alias} stays where it is"
    if verdict == "fail":
        end = "" if promotion.broken else " Promote against it by `force`, with a reason."
        return GateRefusedError(f"{stays}: {promotion.version} is refused. {found}.{end}")
    return UndecidedError(
        f"{stays}: the evidence for {promotion.version} does not suffice. {found}. Test on more"
        " images, or take the risk by `accept_undecided`, with a reason."
    )
