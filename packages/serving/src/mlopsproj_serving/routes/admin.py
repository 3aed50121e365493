"""`/v1/admin`: the registry and the service, for those who hold an admin key.

Where no admin key is set there are no such routes.
"""

import asyncio
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Request, Response
from mlopsproj_core.errors import NoModelError
from mlopsproj_core.registry import PRODUCTION
from msgspec import Meta

from mlopsproj_serving.administration import Administration
from mlopsproj_serving.background import in_thread
from mlopsproj_serving.http.bodies import read_json
from mlopsproj_serving.http.model_state import ModelState, Move, model_state_of, move_of
from mlopsproj_serving.http.openapi import example, json_answer, problems, ref
from mlopsproj_serving.http.problem_kinds import (
    CONFLICT,
    INVALID,
    MALFORMED,
    MEDIA,
    NO_MODEL,
    NOT_FOUND,
    REGISTRY,
    SLOW,
    TOO_LARGE,
    UNAUTHORIZED,
)
from mlopsproj_serving.routes.model import EXAMPLE as MODEL
from mlopsproj_serving.routes.model import MOVE

if TYPE_CHECKING:
    from mlopsproj_core.registry import AliasMove

    from mlopsproj_serving.http.callers import Callers
    from mlopsproj_serving.versions.reload import Reloader

BODY_BYTES: Final = 64 * 1024

Alias = Annotated[str, Meta(description="That is moved, e.g. `production`.", max_length=100)]
Reason = Annotated[str, Meta(description="Told in the history.", min_length=1, max_length=2000)]


class PromotionRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What shall be promoted."""

    model: Annotated[
        str,
        Meta(
            description="The version, as `name:version`, `name@alias`, `:version` or `@alias`.",
            min_length=1,
            max_length=250,
        ),
    ]
    alias: Alias = PRODUCTION
    margin: (
        Annotated[
            float,
            Meta(
                description="Loss of accuracy that is accepted; the service's own unless given.",
                ge=0,
                lt=1,
            ),
        ]
        | None
    ) = None
    without: Annotated[
        tuple[str, ...],
        Meta(description="Names of gates that are not asked, e.g. `latency`.", max_length=20),
    ] = ()
    reason: Reason = "promoted"
    accept_undecided: (
        Annotated[
            str,
            Meta(
                description="Why it is promoted also without enough evidence; told in the history.",
                max_length=2000,
            ),
        ]
        | None
    ) = None
    force: (
        Annotated[
            str,
            Meta(
                description="Why it is promoted also against gates that refuse; told in the"
                " history. A bundle that is broken never is.",
                max_length=2000,
            ),
        ]
        | None
    ) = None


class RollbackRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What shall go back one version."""

    alias: Alias = PRODUCTION
    reason: Reason = "rolled back"


class Gate(msgspec.Struct, frozen=True):
    """What one gate found."""

    name: Annotated[str, Meta(description="Of the gate.")]
    verdict: Annotated[
        str, Meta(description="`pass`, `fail`, `undecided`, or `off` where it was not asked.")
    ]
    figure: Annotated[str, Meta(description="That was measured.")]
    limit: Annotated[str, Meta(description="That it was held against.")]
    detail: Annotated[str, Meta(description="Why, in a sentence.")]


class AliasMoved(msgspec.Struct, frozen=True):
    """An alias that points elsewhere now."""

    name: Annotated[str, Meta(description="Of the model.")]
    alias: Annotated[str, Meta(description="That was moved.")]
    move: Move
    gates: Annotated[list[Gate], Meta(description="What was judged; empty for a rollback.")]
    model: Annotated[
        ModelState | None,
        Meta(description="What this process answers with since; null if it has nothing."),
    ]


class Aliases(msgspec.Struct, frozen=True):
    """Where the aliases of the model point."""

    name: Annotated[str, Meta(description="Of the model.")]
    aliases: Annotated[dict[str, Move], Meta(description="The last move of each.")]
    unreadable: Annotated[dict[str, str], Meta(description="Aliases that cannot be read, and why.")]


_promotion = msgspec.json.Decoder(PromotionRequest)
_rollback = msgspec.json.Decoder(RollbackRequest)

SHAPES: Final = (Aliases, AliasMoved, PromotionRequest, RollbackRequest)

_GATE = Gate("accuracy", "pass", "+0.4 points", "-0.5 points", "On 10,000 images.")
_ALIASES = Aliases("fashion-mnist", {"production": MOVE}, {})
_MOVED = AliasMoved("fashion-mnist", "production", MOVE, [_GATE], MODEL)


def _body(shape: type[msgspec.Struct], sent: msgspec.Struct, summary: str) -> dict[str, Any]:
    content = {"schema": ref(shape), "examples": {"body": example(sent, summary)}}
    return {"requestBody": {"required": True, "content": {"application/json": content}}}


def make_router(admins: "Callers", *, event_url: str) -> APIRouter:
    """The routes, for those whom `admins` lets in.

    Args:
        admins: knows the admin keys.
        event_url: where moves of aliases are told.
    """
    router = APIRouter(prefix="/v1/admin", tags=["admin"])
    # Judging takes all of a core: one after the other.
    turn = asyncio.Lock()

    def administration(request: Request) -> Administration:
        reloader: Reloader = request.app.state.reloader
        return Administration(reloader.registry, event_url=event_url)

    @router.post(
        "/reload",
        response_class=Response,
        responses={
            200: json_answer("Done.", ref(ModelState), model=example(MODEL, "What answers now")),
            **problems(UNAUTHORIZED, NO_MODEL),
        },
    )
    async def reload(request: Request) -> Response:
        """Look at the registry now, in every process of the service.

        Answers when the asked process is done; a version that failed is tried again.
        """
        admins.admit(request.scope)
        await request.app.state.reloader.reload()
        return _json(model_state_of(request.app.state.service, request.app.state.reloader))

    @router.get(
        "/aliases",
        response_class=Response,
        responses={
            200: json_answer(
                "The aliases.", ref(Aliases), aliases=example(_ALIASES, "One alias of a model")
            ),
            **problems(UNAUTHORIZED, NOT_FOUND, NO_MODEL, REGISTRY),
        },
    )
    async def aliases(request: Request) -> Response:
        """Show where the aliases of the model that is served point."""
        admins.admit(request.scope)
        name = _name(request)
        moves, unreadable = await in_thread(lambda: administration(request).aliases(name))
        told = {alias: move_of(move) for alias, move in moves.items()}
        return _json(Aliases(name, told, unreadable))

    @router.post(
        "/promote",
        response_class=Response,
        responses={
            200: json_answer(
                "The alias points at the version.",
                ref(AliasMoved),
                moved=example(_MOVED, "A version that every gate let pass"),
            ),
            **problems(
                *(MALFORMED, UNAUTHORIZED, NOT_FOUND, SLOW, CONFLICT, TOO_LARGE, MEDIA, INVALID),
                REGISTRY,
            ),
        },
        openapi_extra=_body(
            PromotionRequest, PromotionRequest("@candidate", reason="new camera"), "A candidate"
        ),
    )
    async def promote(request: Request) -> Response:
        """Judge a version against what an alias points at, and move the alias if the gates agree.

        The two are compared on the images that both were tested on; where that is too little
        evidence, the command `registry promote` can score again on prepared data.
        """
        actor = admins.admit(request.scope) or ""
        sent = await read_json(request, _promotion, most=BODY_BYTES, seconds=_body_seconds(request))
        asked = _full(request, sent.model)
        async with turn:
            promotion = await in_thread(
                lambda: administration(request).promote(
                    asked,
                    alias=sent.alias,
                    actor=actor,
                    reason=sent.reason,
                    margin=sent.margin,
                    without=sent.without,
                    accept_undecided=sent.accept_undecided,
                    force=sent.force,
                )
            )
        assert promotion.moved is not None  # noqa: S101 (a refusal is raised)
        gates = [msgspec.convert(gate.as_dict(), Gate) for gate in promotion.gates]
        return await _moved(request, promotion.version.name, promotion.moved, gates)

    @router.post(
        "/rollback",
        response_class=Response,
        responses={
            200: json_answer(
                "The alias points at the version before.",
                ref(AliasMoved),
                moved=example(_MOVED, "A version that is back"),
            ),
            **problems(
                *(MALFORMED, UNAUTHORIZED, NOT_FOUND, SLOW, CONFLICT, TOO_LARGE, MEDIA, INVALID),
                REGISTRY,
            ),
        },
        openapi_extra=_body(
            RollbackRequest, RollbackRequest(reason="wrong on night photographs"), "Production"
        ),
    )
    async def rollback(request: Request) -> Response:
        """Point an alias of the model that is served at the version before the present one."""
        actor = admins.admit(request.scope) or ""
        sent = await read_json(request, _rollback, most=BODY_BYTES, seconds=_body_seconds(request))
        asked = _name(request)
        name, move = await in_thread(
            lambda: administration(request).roll_back(
                asked, alias=sent.alias, actor=actor, reason=sent.reason
            )
        )
        return await _moved(request, name, move, [])

    return router


async def _moved(request: Request, name: str, move: "AliasMove", gates: list[Gate]) -> Response:
    state = request.app.state
    await state.reloader.follow_move(move.alias)
    try:
        model = model_state_of(state.service, state.reloader)
    except NoModelError:
        model = None
    return _json(AliasMoved(name, move.alias, move_of(move), gates, model))


def _body_seconds(request: Request) -> float:
    seconds: float = request.app.state.service.config.limits.body_seconds
    return seconds


def _name(request: Request) -> str:
    """Of the model that is served, or would be."""
    reloader: Reloader = request.app.state.reloader
    if reloader.name is None:
        raise NoModelError(request.app.state.service.why_none or "No model is loaded yet.")
    return reloader.name


def _full(request: Request, reference: str) -> str:
    """A reference with the name of the model that is served, where it has none."""
    reloader: Reloader = request.app.state.reloader
    return f"{reloader.name or ''}{reference}" if reference[0] in "@:" else reference


def _json(shape: msgspec.Struct) -> Response:
    return Response(msgspec.json.encode(shape), media_type="application/json")
