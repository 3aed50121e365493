"""`GET /v1/model`: what the service answers with, and what became of the last change."""

from datetime import UTC, datetime
from typing import Final

import msgspec
from fastapi import APIRouter, Request, Response

from mlopsproj_serving.http.model_state import (
    Figure,
    Following,
    InputImage,
    ModelState,
    Move,
    ShadowState,
    model_state_of,
)
from mlopsproj_serving.http.openapi import example, json_answer, problems, ref
from mlopsproj_serving.http.problem_kinds import NO_MODEL, TOO_MANY, UNAUTHORIZED

router = APIRouter(tags=["model"])

SHAPES: Final = (ModelState,)

_NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
_FOLLOWING = Following(looked=_NOON, failed=None, registry=None)
MOVE: Final = Move(7, 3, "ada", "promoted", rollback=False, time=_NOON)
EXAMPLE: Final = ModelState(
    name="fashion-mnist",
    version=7,
    alias="production",
    classes=["t-shirt", "trouser", "pullover"],
    image=InputImage(28, 28, 1),
    metrics={"accuracy": Figure(0.93, 0.92, 0.94)},
    strategy="single",
    loaded=_NOON,
    load_seconds=0.31,
    since=_NOON,
    moved=MOVE,
    following=_FOLLOWING,
    shadow=ShadowState(version=8, share=1.0, since=_NOON, following=_FOLLOWING),
)


@router.get(
    "/v1/model",
    response_class=Response,
    responses={
        200: json_answer(
            "The version.", ref(ModelState), model=example(EXAMPLE, "A version and its shadow")
        ),
        **problems(UNAUTHORIZED, TOO_MANY, NO_MODEL),
    },
)
async def model(request: Request) -> Response:
    """Show the version that answers, and how its alias is followed.

    Another process of the service may be some moments ahead or behind.
    """
    state = request.app.state
    state.callers.admit(request.scope)
    return Response(
        msgspec.json.encode(model_state_of(state.service, state.reloader)),
        media_type="application/json",
    )
