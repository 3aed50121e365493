"""The shapes in which the service tells what it answers with, and what became of the last change.

Knows nothing of routes.
"""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import msgspec
from mlopsproj_core.errors import NoModelError
from msgspec import Meta

from mlopsproj_serving.http.answers import ClassName
from mlopsproj_serving.service import NO_MODEL

if TYPE_CHECKING:
    from mlopsproj_core.registry import AliasMove

    from mlopsproj_serving.model import ServedModel
    from mlopsproj_serving.service import Service
    from mlopsproj_serving.versions.follower import Follower, LoadFailure, Unreachable
    from mlopsproj_serving.versions.reload import Reloader

Pixels = Annotated[int, Meta(ge=1, description="Of the network's input.")]
VersionNumber = Annotated[int, Meta(ge=1, description="Of a version of the model.")]


class InputImage(msgspec.Struct, frozen=True):
    """What every image is resized and cropped to."""

    height: Pixels
    width: Pixels
    channels: Annotated[int, Meta(description="1 is grey, 3 is RGB.")]


class Figure(msgspec.Struct, frozen=True):
    """A figure of merit on the test set, with its 95 % interval."""

    value: Annotated[float, Meta(description="On the test set.")]
    low: Annotated[float, Meta(description="Lower end of the interval.")]
    high: Annotated[float, Meta(description="Upper end of the interval.")]


class Move(msgspec.Struct, frozen=True):
    """A move of an alias."""

    version: VersionNumber
    sequence: Annotated[int, Meta(ge=1, description="Number of the move: 1, 2, 3 and so on.")]
    actor: Annotated[str, Meta(description="Who moved it.")]
    reason: Annotated[str, Meta(description="Why.")]
    rollback: Annotated[bool, Meta(description="Whether it undoes the move before.")]
    time: Annotated[datetime, Meta(description="When, in UTC.")]


class FailedVersion(msgspec.Struct, frozen=True):
    """A version that the alias points at, and that could not be loaded: the one before goes on."""

    version: VersionNumber
    reason: Annotated[str, Meta(description="Why, and how to mend it.")]
    time: Annotated[datetime, Meta(description="Of the last attempt, in UTC.")]
    attempts: Annotated[int, Meta(ge=1, description="So far.")]
    next_attempt: Annotated[
        datetime, Meta(description="When it is tried again, unless the alias moves before; in UTC.")
    ]


class RegistryTrouble(msgspec.Struct, frozen=True):
    """The registry does not say where the alias points: what was loaded goes on."""

    reason: Annotated[str, Meta(description="Why, and how to mend it.")]
    since: Annotated[datetime, Meta(description="In UTC.")]


class Following(msgspec.Struct, frozen=True):
    """How an alias is followed."""

    looked: Annotated[
        datetime | None,
        Meta(description="When the registry last said where it points, in UTC; null if never."),
    ]
    failed: Annotated[
        FailedVersion | None,
        Meta(description="The version that it points at, if that could not be loaded; else null."),
    ]
    registry: Annotated[
        RegistryTrouble | None, Meta(description="What is wrong with the registry; null if nothing")
    ]


class ShadowState(msgspec.Struct, frozen=True):
    """What copies of the images are computed with, for comparison."""

    version: Annotated[
        VersionNumber | None,
        Meta(description="Null if there is none: no alias `shadow`, or it could not be loaded."),
    ]
    share: Annotated[float, Meta(ge=0, le=1, description="Of the images that are copied.")]
    since: Annotated[
        datetime | None, Meta(description="When this version began, in UTC; null without one.")
    ]
    following: Following


class ModelState(msgspec.Struct, frozen=True):
    """The version that the asked process answers with."""

    name: Annotated[str, Meta(description="Of the model.")]
    version: VersionNumber
    alias: Annotated[
        str | None, Meta(description="That is followed; null if the service was told a version.")
    ]
    classes: Annotated[list[ClassName], Meta(description="That it tells apart.")]
    image: InputImage
    metrics: Annotated[dict[str, Figure], Meta(description="On the test set, by name.")]
    strategy: Annotated[
        str, Meta(description="How images are computed: `single` or `batches`, the faster here.")
    ]
    loaded: Annotated[datetime, Meta(description="When it was ready, in UTC.")]
    load_seconds: Annotated[float, Meta(ge=0, description="That it took to make it ready.")]
    since: Annotated[datetime, Meta(description="When the first request went to it, in UTC.")]
    moved: Annotated[
        Move | None,
        Meta(description="The move that put the alias where it points; null without an alias."),
    ]
    following: Following
    shadow: ShadowState


def model_state_of(service: "Service", reloader: "Reloader") -> ModelState:
    """What is told of a service.

    Raises:
        NoModelError: if it has no model to answer with.
    """
    model, production = service.current, reloader.production
    if model is None or production.since is None:
        raise NoModelError(service.why_none or NO_MODEL)
    manifest, spec = model.manifest, model.manifest.image
    move = production.located[1] if production.located is not None else None
    return ModelState(
        name=model.version.name,
        version=model.version.number,
        alias=reloader.alias,
        classes=list(manifest.classes),
        image=InputImage(spec.height, spec.width, spec.channels),
        metrics={
            name: Figure(metric.value, metric.low, metric.high)
            for name, metric in manifest.metrics.items()
        },
        strategy=model.strategy,
        loaded=model.loaded,
        load_seconds=round(model.load_seconds, 3),
        since=production.since,
        moved=None if move is None else move_of(move),
        following=_following(production),
        shadow=_shadow(reloader),
    )


def move_of(move: "AliasMove") -> Move:
    """A move of the registry as it is told."""
    return Move(move.version, move.sequence, move.actor, move.reason, move.rollback, move.time)


def _shadow(reloader: "Reloader") -> ShadowState:
    follower, model = reloader.shadow_follower, reloader.shadow.model
    return ShadowState(
        version=None if model is None else model.version.number,
        share=reloader.shadow.share,
        since=None if model is None else follower.since,
        following=_following(follower),
    )


def _following(follower: "Follower[ServedModel]") -> Following:
    return Following(
        looked=follower.looked,
        failed=None if follower.failure is None else _failed(follower.failure),
        registry=None if follower.unreachable is None else _trouble(follower.unreachable),
    )


def _failed(failure: "LoadFailure") -> FailedVersion:
    return FailedVersion(
        version=failure.version.number,
        reason=failure.reason,
        time=failure.time,
        attempts=failure.attempts,
        next_attempt=failure.time + timedelta(seconds=failure.pause_seconds),
    )


def _trouble(unreachable: "Unreachable") -> RegistryTrouble:
    return RegistryTrouble(unreachable.reason, unreachable.since)
