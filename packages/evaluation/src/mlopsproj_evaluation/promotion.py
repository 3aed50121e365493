"""A version judged against what an alias points at, and the alias moved if it may.

Knows nothing of how the answer is shown, nor of where images lie: who asks may give them.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from mlopsproj_core.bundle import Bundle
from mlopsproj_core.errors import (
    BundleCorruptError,
    ConfigError,
    ProbeError,
    RegistryError,
    StaleError,
)
from mlopsproj_core.events import announce
from mlopsproj_core.labelled import LabelledImages
from mlopsproj_core.predictor import Predictor
from mlopsproj_core.registry import AliasMove, ModelVersion, Registry

from mlopsproj_evaluation.comparison import Verdict
from mlopsproj_evaluation.gates import GateResult, judge, needs_new_scores, overall
from mlopsproj_evaluation.scores import Scores, score

logger = logging.getLogger(__name__)

FindTestImages = Callable[[str], LabelledImages | None]
"""Gives the test images of the prepared data set with a fingerprint; None where it has none."""


@dataclass(frozen=True)
class Promotion:
    """What was judged, and what became of it.

    Attributes:
        version: that was judged.
        champion: that the alias pointed at, if any.
        verdict: of all gates together.
        gates: what each found.
        moved: the alias's move; None if it stayed.
    """

    version: ModelVersion
    champion: ModelVersion | None
    verdict: Verdict
    gates: tuple[GateResult, ...]
    moved: AliasMove | None

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
    margin: float,
    actor: str,
    reason: str,
    accept_undecided: str | None,
    event_url: str,
    find_test_images: FindTestImages | None = None,
) -> Promotion:
    """Judge a version, and point `alias` at it if the gates let it pass.

    When the alias moves meanwhile, the version is judged again, against what it points at then.

    Args:
        registry: that holds it.
        reference: `name:version` or `name@alias`.
        alias: that is moved.
        margin: loss of accuracy that is accepted, from 0 to below 1.
        actor: who asks.
        reason: told in the history.
        accept_undecided: why an undecided version is promoted all the same.
        event_url: where the promotion is told.
        find_test_images: gives the candidate's, to score the champion again; without them the two
            are compared on the images that both were tested on.

    Raises:
        ConfigError: if the reason to accept is empty, the margin is none, or the alias points at
            the version already.
        MlopsprojError: if the version cannot be found, or is read by another release only.
    """
    if accept_undecided is not None and not accept_undecided.strip():
        raise ConfigError("accept_undecided needs a reason: it is recorded in the history.")
    # The gates hold it against the same only where there is somebody to compare with.
    if not 0 <= margin < 1:  # also when it is not a number
        raise ConfigError(
            f"margin={margin}: give a loss of accuracy from 0 to below 1, e.g. 0.005."
        )
    version = registry.resolve(reference)
    while True:
        moves = registry.history(version.name, alias)
        champion = ModelVersion(version.name, moves[-1].version) if moves else None
        if champion == version:
            raise ConfigError(f"{version.name}@{alias} points at {version} already.")
        gates = _judge(registry, version, champion, margin, find_test_images)
        verdict = overall(gates)
        accepted = verdict is Verdict.undecided and accept_undecided is not None
        if verdict is not Verdict.passed and not accepted:
            return Promotion(version, champion, verdict, gates, None)
        try:
            move = registry.move_alias(
                version.name,
                alias,
                version.number,
                actor=actor,
                reason=f"{reason}; undecided, accepted: {accept_undecided}" if accepted else reason,
                gates=[gate.as_dict() for gate in gates],
                expected_sequence=moves[-1].sequence if moves else 0,
            )
        except StaleError:
            logger.warning("%s@%s moved meanwhile: judging again", version.name, alias)
            continue
        announce(version.name, move, registry.url, event_url)
        return Promotion(version, champion, verdict, gates, move)


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


def _judge(
    registry: Registry,
    version: ModelVersion,
    champion: ModelVersion | None,
    margin: float,
    find_test_images: FindTestImages | None,
) -> tuple[GateResult, ...]:
    try:
        candidate_bundle = Bundle.open(registry.fetch(version))
        candidate_bundle.verify()
    except BundleCorruptError as error:
        return (GateResult("bundle", Verdict.failed, "broken", "all verified", str(error)),)
    if champion is None:
        return judge(candidate_bundle, None, margin=margin)
    try:
        champion_bundle = Bundle.open(registry.fetch(champion))
        champion_bundle.verify()
        scores = None
        if find_test_images and needs_new_scores(candidate_bundle, champion_bundle):
            scores = _score_again(champion_bundle, candidate_bundle, find_test_images)
    except (BundleCorruptError, RegistryError) as error:
        # A broken champion must not hold its place for ever, nor be taken for a beaten one.
        return tuple(
            replace(gate, verdict=Verdict.undecided, detail=f"{champion} cannot be judged: {error}")
            if gate.name == "accuracy"
            else gate
            for gate in judge(candidate_bundle, None, margin=margin)
        )
    return judge(candidate_bundle, champion_bundle, champion_scores=scores, margin=margin)


def _score_again(
    champion: Bundle, candidate: Bundle, find_test_images: FindTestImages
) -> Scores | None:
    """The champion on the candidate's test images; None where that cannot be had.

    Then they are compared on the images that both were judged on, if there are any.
    """
    ours, theirs = candidate.manifest, champion.manifest
    if (ours.image, ours.classes) != (theirs.image, theirs.classes):
        return None
    images = find_test_images(ours.data.fingerprint)
    if images is None:
        return None
    try:
        predictor = Predictor.load(champion.path)
    except ProbeError as error:
        logger.warning("production is not scored again: %s", error)
        return None
    return score(predictor.run, images)[0]
