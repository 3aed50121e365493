"""Aliases that somebody moved in the mirror, brought back as promotions that pass the gates.

Where a gate refuses, or what they were moved to is no version of ours, the mirror is set back:
nobody who reads W&B shall take for production what is not. Undecided, it stays until somebody
decides.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from mlopsproj_core.errors import ConfigError, MlopsprojError
from mlopsproj_core.registry import CANDIDATE, PRODUCTION, Registry
from mlopsproj_evaluation.comparison import Verdict
from mlopsproj_evaluation.gates import FindTestImages, GateLimits
from mlopsproj_evaluation.promotion import Promotion, promote_version

from mlopsproj_mirror.contents import Contents
from mlopsproj_mirror.pointing import point_as_ours
from mlopsproj_mirror.service import Service
from mlopsproj_mirror.settling import Moved

ACTOR: Final = "wandb"
"""Moved it, as the history tells: W&B does not say who gave an alias."""

_PULLED = {PRODUCTION, CANDIDATE, "shadow"}


class Outcome(StrEnum):
    """What became of a move that somebody made in the mirror."""

    promoted = "promoted"
    refused = "refused"
    undecided = "undecided"
    set_back = "set back"
    failed = "failed"


@dataclass(frozen=True)
class Pulled:
    """A move that was found in the mirror.

    Attributes:
        alias: `name@alias`; the name alone where the whole model could not be looked at.
        outcome: what became of it.
        detail: why, in a sentence.
        promotion: what the gates found; None where they were not asked.
    """

    alias: str
    outcome: Outcome
    detail: str
    promotion: Promotion | None = None

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "alias": self.alias,
            "outcome": self.outcome.value,
            "detail": self.detail,
            "promotion": self.promotion.as_dict() if self.promotion else None,
        }


@dataclass(frozen=True)
class Terms:
    """How moves are judged; as `promote_version` takes it.

    Attributes:
        pulled_by: who asks, told in the history.
        limits: what the gates accept, and which of them are off.
        accept_undecided: why an undecided version is promoted all the same.
        event_url: where a promotion is told.
        find_test_images: gives the candidate's, to score others again.

    Raises:
        ConfigError: if a reason is empty.
    """

    pulled_by: str
    limits: GateLimits = field(default_factory=GateLimits)
    accept_undecided: str | None = None
    event_url: str = "log:"
    find_test_images: FindTestImages | None = None

    def __post_init__(self) -> None:
        if self.accept_undecided is not None and not self.accept_undecided.strip():
            raise ConfigError("accept_undecided needs a reason: it is recorded in the history.")


def pull(
    registry: Registry,
    service: Service,
    terms: Terms,
    *,
    names: Collection[str] | None = None,
) -> Iterator[Pulled]:
    """Promote what somebody moved in the mirror, each if the gates let it pass.

    Each answer is given as soon as it stands in both. What was moved here alone is left for `push`.
    What fails for one alias, or one model, is an answer too, and keeps nobody from the others.

    Args:
        registry: the truth.
        service: that is looked at.
        terms: how moves are judged.
        names: of the models; all unless given.

    Raises:
        RegistryError: if it cannot be said which models there are.
    """
    for name in registry.names() if names is None else names:
        try:
            contents = Contents.look(registry, service, name)
        except MlopsprojError as error:
            yield Pulled(name, Outcome.failed, str(error))
            continue
        for alias in sorted(_PULLED | contents.aliases.keys()):
            try:
                answer = _pull_alias(registry, service, contents, alias, terms)
            except MlopsprojError as error:
                answer = Pulled(f"{name}@{alias}", Outcome.failed, str(error))
            if answer is not None:
                yield answer


def _pull_alias(
    registry: Registry, service: Service, contents: Contents, alias: str, terms: Terms
) -> Pulled | None:
    match contents.moved(alias):
        case Moved.there:
            return _judge(registry, service, contents, alias, terms)
        case Moved.both:
            why = f"it was moved both here and in W&B, {contents.apart(alias)}: ours counts"
            return _set_back(registry, service, contents, alias, why)
        case Moved.nobody | Moved.here:
            return None


def _judge(
    registry: Registry,
    service: Service,
    contents: Contents,
    alias: str,
    terms: Terms,
) -> Pulled:
    version = contents.there(alias)
    if version is None:
        why = f"it was moved in W&B {contents.apart(alias)}: that is no version of this registry"
        return _set_back(registry, service, contents, alias, why)
    member = contents.members[version]
    called = f"{contents.name}@{alias}"
    promotion = promote_version(
        registry,
        f"{contents.name}:{version}",
        alias=alias,
        actor=ACTOR,
        reason=f"{alias} was given to {member.called} in W&B; pulled by {terms.pulled_by}",
        event_url=terms.event_url,
        limits=terms.limits,
        usual=terms.limits,
        accept_undecided=terms.accept_undecided,
        find_test_images=terms.find_test_images,
    )
    if promotion.moved is not None:
        service.point(member, alias, promotion.moved)
        return Pulled(called, Outcome.promoted, f"it points at version {version} now", promotion)
    if promotion.verdict is Verdict.undecided:
        why = f"the evidence for version {version} does not suffice; W&B is left as it is"
        return Pulled(called, Outcome.undecided, why, promotion)
    refusing = ", ".join(g.name for g in promotion.gates if g.verdict is Verdict.failed)
    why = f"version {version} is refused by the gate {refusing}"
    told = _set_back(registry, service, contents, alias, why).detail
    return Pulled(called, Outcome.refused, told, promotion)


def _set_back(
    registry: Registry, service: Service, contents: Contents, alias: str, why: str
) -> Pulled:
    called = f"{contents.name}@{alias}"
    if alias not in contents.aliases:
        end = "there is nothing here to set W&B back to"
    elif (version := point_as_ours(registry, service, contents, alias)) is None:
        end = "W&B cannot be set back, for it lacks the version: `registry mirror push`"
    else:
        end = f"W&B is set back to version {version}"
    return Pulled(called, Outcome.set_back, f"{why}; {end}")
