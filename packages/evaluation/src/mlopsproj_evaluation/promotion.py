"""A version judged against what an alias points at, and the alias moved if it may.

Knows nothing of how the answer is shown, nor of where images lie: who asks may give them.
"""

import logging
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from mlopsproj_core.bundle import Bundle
from mlopsproj_core.errors import BundleCorruptError, ConfigError, StaleError
from mlopsproj_core.events import announce
from mlopsproj_core.registry import PRODUCTION, AliasMove, ModelVersion, Registry

from mlopsproj_evaluation.comparison import Verdict
from mlopsproj_evaluation.gates import (
    BUNDLE,
    COMPARING,
    Contest,
    FindTestImages,
    GateLimits,
    GateResult,
    Side,
    ask_all,
    broken_bundle,
    judge_bundle,
    measure_side,
    overall,
)
from mlopsproj_evaluation.opponents import Opponents

logger = logging.getLogger(__name__)

_DEFAULTS = GateLimits()


@dataclass(frozen=True)
class Promotion:
    """What was judged, and what became of it.

    Attributes:
        version: that was judged.
        champion: that it was held against: what the alias pointed at, else what production does.
        verdict: of all gates together.
        gates: what each found.
        moved: the alias's move; None if it stayed.
    """

    version: ModelVersion
    champion: ModelVersion | None
    verdict: Verdict
    gates: tuple[GateResult, ...]
    moved: AliasMove | None

    @property
    def broken(self) -> bool:
        """Whether the bundle itself is refused: no reason makes it fit to serve."""
        return _broken(self.gates)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "version": str(self.version),
            "champion": str(self.champion) if self.champion else None,
            "verdict": self.verdict.value,
            "gates": [gate.as_dict() for gate in self.gates],
            "moved": self.moved.model_dump(mode="json") if self.moved else None,
        }


def promote_version(
    registry: Registry,
    reference: str,
    *,
    alias: str,
    actor: str,
    reason: str,
    event_url: str,
    limits: GateLimits = _DEFAULTS,
    usual: GateLimits = _DEFAULTS,
    accept_undecided: str | None = None,
    force: str | None = None,
    find_test_images: FindTestImages | None = None,
) -> Promotion:
    """Judge a version, and point `alias` at it if the gates let it pass.

    An alias that points at nothing yet is taken over from production: what is to be seen there is
    held against what is served. When the alias moves meanwhile, the version is judged again,
    against what it points at then; what was measured is not measured again.

    Args:
        registry: that holds it.
        reference: `name:version` or `name@alias`.
        alias: that is moved.
        actor: who asks.
        reason: told in the history.
        event_url: where the promotion is told.
        limits: what the gates accept, and which of them are off.
        usual: what they accept where nobody says otherwise; what is looser is told in the history.
        accept_undecided: why an undecided version is promoted all the same.
        force: why a version is promoted against its gates; one whose bundle is broken never is.
        find_test_images: gives the candidate's, to score others again; without them two versions
            are compared on the images that both were tested on.

    Raises:
        ConfigError: if a reason is empty, or the alias points at the version already.
        MlopsprojError: if the version cannot be found, or is read by another release only.
    """
    for option, text in (("accept_undecided", accept_undecided), ("force", force)):
        if text is not None and not text.strip():
            raise ConfigError(f"{option} needs a reason: it is recorded in the history.")
    version = registry.resolve(reference)
    judges = _Judges(
        registry, version, limits, cache(find_test_images) if find_test_images else None
    )
    while True:
        moves = registry.history(version.name, alias)
        champion = ModelVersion(version.name, moves[-1].version) if moves else None
        if champion == version:
            raise ConfigError(f"{version.name}@{alias} points at {version} already.")
        if champion is None and alias != PRODUCTION:
            champion = _in_production(registry, version.name)
            gates = _told_of(judges.judge(champion), champion, alias)
        else:
            gates = judges.judge(champion)
        verdict = overall(gates)
        told = _told_reason(
            "; ".join((reason, *limits.looser_than(usual))),
            verdict,
            gates,
            accept_undecided,
            force,
        )
        if told is None:
            return Promotion(version, champion, verdict, gates, None)
        try:
            move = registry.move_alias(
                version.name,
                alias,
                version.number,
                actor=actor,
                reason=told,
                gates=[gate.as_dict() for gate in gates],
                expected_sequence=moves[-1].sequence if moves else 0,
            )
        except StaleError:
            logger.warning("%s@%s moved meanwhile: judging again", version.name, alias)
            continue
        announce(version.name, move, registry.url, event_url)
        return Promotion(version, champion, verdict, gates, move)


def _told_reason(
    reason: str,
    verdict: Verdict,
    gates: tuple[GateResult, ...],
    accept_undecided: str | None,
    force: str | None,
) -> str | None:
    """What the history tells; None where the alias must stay."""
    if verdict is Verdict.passed:
        return reason
    if verdict is Verdict.undecided and accept_undecided is not None:
        return f"{reason}; undecided, accepted: {accept_undecided}"
    if force is None or _broken(gates):
        return None
    against = ", ".join(
        gate.name for gate in gates if gate.verdict in {Verdict.failed, Verdict.undecided}
    )
    return f"{reason}; forced against {against}: {force}"


def _broken(gates: tuple[GateResult, ...]) -> bool:
    return any(gate.name == BUNDLE and gate.verdict is Verdict.failed for gate in gates)


def roll_back(
    registry: Registry, name: str, *, alias: str, actor: str, reason: str, event_url: str
) -> tuple[str, AliasMove]:
    """Point `alias` at the version before the present one.

    Args:
        registry: that holds the model.
        name: of the model; may be empty where there is one.
        alias: that is moved.
        actor: who asks.
        reason: told in the history.
        event_url: where the move is told.

    Returns:
        Name of the model, and the move.

    Raises:
        ConfigError: if `name` is more than a name.
        NotFoundError: if there is no such model or alias, or no version to go back to.
        StaleError: if the alias was moved meanwhile.
    """
    if "@" in name or ":" in name:
        raise ConfigError(
            f"rollback takes the NAME of a model, not {name!r}: it goes back one version. Another"
            " alias than production is named by its option; another version is promoted."
        )
    name = registry.resolve(f"{name}@{alias}").name
    move = registry.rollback(name, alias, actor=actor, reason=reason)
    announce(name, move, registry.url, event_url)
    return name, move


class _Judges:
    """The gates of one version, who remember what they measured of it and of whom it met."""

    def __init__(
        self,
        registry: Registry,
        version: ModelVersion,
        limits: GateLimits,
        find_test_images: FindTestImages | None,
    ) -> None:
        self._limits, self._find_test_images = limits, find_test_images
        self._measure = cache(measure_side)
        self._candidate: Side | None = None
        try:
            bundle = Bundle.open(registry.fetch(version))
        except BundleCorruptError as error:
            self._whole = broken_bundle(error)
            return
        self._whole, self._candidate = judge_bundle(bundle, str(version))
        if self._candidate is not None:
            self._opponents = Opponents(registry, self._candidate, find_test_images)

    def judge(self, champion: ModelVersion | None) -> tuple[GateResult, ...]:
        if self._candidate is None:
            return (self._whole,)
        contest = Contest(
            self._candidate,
            self._opponents.champion(champion),
            self._opponents.parent(),
            self._limits,
            self._find_test_images,
            self._measure,
        )
        return (self._whole, *ask_all(contest))


def _in_production(registry: Registry, name: str) -> ModelVersion | None:
    moves = registry.history(name, PRODUCTION)
    return ModelVersion(name, moves[-1].version) if moves else None


def _told_of(
    gates: tuple[GateResult, ...], champion: ModelVersion | None, alias: str
) -> tuple[GateResult, ...]:
    """The same, where an alias that has none of its own was given another's version."""
    if champion is None:
        return gates
    told = f"held against {champion} in production, since {alias} points at nothing yet"
    return tuple(
        replace(gate, detail=f"{gate.detail}; {told}")
        if gate.name in COMPARING and gate.verdict is not Verdict.off
        else gate
        for gate in gates
    )
