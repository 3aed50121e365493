"""`GET /v1/retraining`, and what an administrator decides of one."""

from datetime import UTC, datetime
from typing import Any, Final, Literal

import msgspec
from fastapi import APIRouter, Request, Response
from mlopsproj_core.errors import DatabaseAwayError, MigrationError, RecordsError
from mlopsproj_records.retraining import Retrainings as Records
from mlopsproj_serving.http.bodies import read_json
from mlopsproj_serving.http.callers import Callers
from mlopsproj_serving.http.openapi import example, json_answer, problems, ref
from mlopsproj_serving.http.problem_kinds import (
    DATABASE,
    DECIDED,
    INVALID,
    MALFORMED,
    MEDIA,
    NOT_FOUND,
    SLOW,
    TOO_LARGE,
    UNAUTHORIZED,
)
from mlopsproj_serving.http.problems import ProblemError

from mlopsproj_monitor.monitor import Monitor
from mlopsproj_monitor.routes.asking import ask, json_of, monitor_of
from mlopsproj_monitor.shapes import Decision, Retraining, Retrainings, retraining_of

router = APIRouter(tags=["retraining"])

SHAPES: Final = (Decision, Retraining, Retrainings)
BODY_BYTES: Final = 32 * 1024
"""The longest reason fits, however its characters are escaped."""

_NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
_WAITING: Final = Retraining(
    id="019c13f1-9000-7c3a-8d2f-1a2b3c4d5e6f",
    event_id="019c13f1-8d40-7c3a-8d2f-1a2b3c4d5e6f",
    time=_NOON,
    model="solar-cells",
    version=3,
    how="command: uv run train experiment=solar_cells_mono 'data.add=[feedback]'",
    state="waiting",
    actor=None,
    reason=None,
    decided=None,
    started=None,
    finished=None,
    detail=None,
)
_APPROVED: Final = msgspec.structs.replace(
    _WAITING, state="approved", actor="ada", reason="a new camera", decided=_NOON
)

_decision = msgspec.json.Decoder(Decision)


@router.get(
    "/v1/retraining",
    response_class=Response,
    responses={
        200: json_answer(
            "The retrainings.",
            ref(Retrainings),
            retrainings=example(Retrainings([_WAITING]), "One that waits for approval"),
        ),
        **problems(UNAUTHORIZED, DATABASE),
    },
)
async def retrainings(request: Request) -> Response:
    """Show the latest hundred retrainings, the newest first."""
    request.app.state.callers.admit(request.scope)
    monitor = monitor_of(request)
    found = await ask(request, lambda: Records(monitor.database).recent(limit=100))
    return json_of(Retrainings([retraining_of(each) for each in found]))


def decisions(admins: Callers, *, body_seconds: float) -> APIRouter:
    """The routes by which one is decided, for those whom `admins` lets in.

    Args:
        admins: knows the admin keys.
        body_seconds: until a request has arrived.
    """
    deciding = APIRouter(tags=["retraining"])

    async def decide(request: Request, verb: Literal["approve", "decline"]) -> Response:
        actor = admins.admit(request.scope) or ""
        reason = None
        # A body whose length nobody knows beforehand comes in chunks.
        is_chunked = "transfer-encoding" in request.headers
        if is_chunked or request.headers.get("content-length", "0") != "0":
            sent = await read_json(request, _decision, most=BODY_BYTES, seconds=body_seconds)
            reason = sent.reason
        monitor, id_ = monitor_of(request), request.path_params["id"]
        decided = await ask(request, lambda: _decided(monitor, verb, id_, actor, reason))
        request.app.state.decided()
        return json_of(decided)

    @deciding.post(
        "/v1/retraining/{id}/approve",  # noqa: FAST003 (as in `predictions` of serving)
        response_class=Response,
        **_described("approve"),
    )
    async def approve(request: Request) -> Response:
        """Let a retraining begin that waits."""
        return await decide(request, "approve")

    @deciding.post(
        "/v1/retraining/{id}/decline",  # noqa: FAST003 (as above)
        response_class=Response,
        **_described("decline"),
    )
    async def decline(request: Request) -> Response:
        """Have a retraining not begin; or give one up: what runs is not ended by it."""
        return await decide(request, "decline")

    return deciding


def _described(verb: str) -> dict[str, Any]:
    decided = (
        _APPROVED
        if verb == "approve"
        else msgspec.structs.replace(
            _APPROVED, state="declined", reason="the camera is broken", finished=_NOON
        )
    )
    sent = example(Decision(decided.reason), "With a reason")
    return {
        "responses": {
            200: json_answer(
                "Decided.", ref(Retraining), retraining=example(decided, f"After {verb}")
            ),
            **problems(
                *(MALFORMED, UNAUTHORIZED, NOT_FOUND, SLOW, DECIDED, TOO_LARGE, MEDIA, INVALID),
                DATABASE,
            ),
        },
        "openapi_extra": {
            "requestBody": {
                "required": False,
                "content": {"application/json": {"schema": ref(Decision), "examples": {"x": sent}}},
            },
            "parameters": [
                {
                    "name": "id",
                    "in": "path",
                    "required": True,
                    "description": "Of the retraining.",
                    "schema": {"type": "string"},
                    "example": _WAITING.id,
                }
            ],
        },
    }


def _decided(
    monitor: Monitor, verb: Literal["approve", "decline"], id_: str, actor: str, reason: str | None
) -> Retraining:
    found = Records(monitor.database).find(id_)
    if found is None:
        raise ProblemError(
            NOT_FOUND,
            f'There is no retraining "{id_[:100]}": /v1/retraining shows them.',
        )
    decide = monitor.following.flow.approve if verb == "approve" else monitor.following.flow.decline
    try:
        return retraining_of(decide(id_, actor=actor, reason=reason))
    except (DatabaseAwayError, MigrationError):
        raise
    except RecordsError as error:
        raise ProblemError(DECIDED, str(error)) from error
