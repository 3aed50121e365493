"""A version judged against what an alias points at, and the alias moved if it may.

Knows nothing of how the answer is shown.
"""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlopsproj_core.bundle import Bundle
from mlopsproj_core.errors import ConfigError, DataError, EventError, StaleError
from mlopsproj_core.events import deliver, model_promoted
from mlopsproj_core.predictor import Predictor
from mlopsproj_core.registry import AliasMove, ModelVersion, Registry
from mlopsproj_data import PreparedDataset
from mlopsproj_evaluation import GateResult, Scores, Verdict, judge, overall, score
from mlopsproj_evaluation.gates import needs_new_scores

logger = logging.getLogger(__name__)


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
    prepared_dir: str,
    event_url: str,
) -> Promotion:
    """Judge a version, and point `alias` at it if the gates let it pass.

    When the alias moves meanwhile, the version is judged again, against what it points at then.

    Args:
        registry: that holds it.
        reference: `name:version` or `name@alias`.
        alias: that is moved.
        margin: loss of accuracy that is accepted, 0 to 1.
        actor: who asks.
        reason: told in the history.
        accept_undecided: why an undecided version is promoted all the same.
        prepared_dir: where the candidate's data set may be found, to score the champion again.
        event_url: where the promotion is told.

    Raises:
        ConfigError: if the reason to accept is empty.
        MlopsprojError: if the version cannot be found or read.
    """
    if accept_undecided is not None and not accept_undecided.strip():
        raise ConfigError("--accept-undecided needs a reason: it is recorded in the history.")
    version = registry.resolve(reference)
    while True:
        moves = registry.history(version.name, alias)
        champion = ModelVersion(version.name, moves[-1].version) if moves else None
        if champion == version:
            raise ConfigError(f"{version.name}@{alias} points at {version} already.")
        gates = _judge(registry, version, champion, margin, Path(prepared_dir))
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
        _tell(version.name, move, registry.url, event_url)
        return Promotion(version, champion, verdict, gates, move)


def roll_back(
    registry: Registry, reference: str, *, alias: str, actor: str, reason: str, event_url: str
) -> tuple[str, AliasMove]:
    """Point `alias` at the version before the present one; name of the model, and the move."""
    name = registry.resolve(f"{reference}@{alias}").name
    move = registry.rollback(name, alias, actor=actor, reason=reason)
    _tell(name, move, registry.url, event_url)
    return name, move


def _judge(
    registry: Registry,
    version: ModelVersion,
    champion: ModelVersion | None,
    margin: float,
    prepared_dir: Path,
) -> tuple[GateResult, ...]:
    candidate_bundle = Bundle.open(registry.fetch(version))
    if champion is None:
        return judge(candidate_bundle, None, margin=margin)
    champion_bundle = Bundle.open(registry.fetch(champion))
    scores = None
    if needs_new_scores(candidate_bundle, champion_bundle):
        scores = _score_again(champion_bundle, candidate_bundle, prepared_dir)
    return judge(candidate_bundle, champion_bundle, champion_scores=scores, margin=margin)


def _score_again(champion: Bundle, candidate: Bundle, prepared_dir: Path) -> Scores | None:
    """The champion on the candidate's test images; None where they are not at hand.

    Then they are compared on the images that both were judged on, if there are any.
    """
    if champion.manifest.image != candidate.manifest.image:
        return None
    fingerprint = candidate.manifest.data.fingerprint
    for description in sorted(prepared_dir.glob("*/dataset.json")):
        try:
            dataset = PreparedDataset.open(description.parent)
        except DataError:
            continue
        if dataset.fingerprint == fingerprint:
            logger.info("scoring production again on %s", dataset.folder)
            predictor = Predictor.load(champion.path)
            return score(predictor.run, dataset.labelled("test"))[0]
    logger.warning(
        "The data set of the candidate (fingerprint %s) is not in %s: production is compared on"
        " the images that both were tested on. Prepare it there, or name --prepared-dir.",
        fingerprint[:12],
        prepared_dir,
    )
    return None


def _tell(name: str, move: AliasMove, registry_url: str, event_url: str) -> None:
    """The move stands whether anybody hears of it: its event can be told again from the history."""
    try:
        deliver(model_promoted(name, move, registry_url), event_url)
    except (EventError, ConfigError) as error:
        logger.warning("%s", error)
