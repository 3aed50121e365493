"""`GET /livez` and `GET /readyz`: whether the process turns, and whether it would answer."""

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request, Response
from mlopsproj_core.errors import NoModelError

from mlopsproj_serving.http.openapi import problems
from mlopsproj_serving.http.problem_kinds import NO_MODEL

if TYPE_CHECKING:
    from mlopsproj_serving.readiness import Readiness

router = APIRouter(tags=["operation"])

_OK: dict[int | str, dict[str, Any]] = {
    200: {"description": "Yes.", "content": {"text/plain": {"schema": {"type": "string"}}}},
}


@router.get("/livez", response_class=Response, responses=_OK)
async def livez() -> Response:
    """Say that the process turns; if it does not say so, restart it."""
    return _ok()


@router.get("/readyz", response_class=Response, responses={**_OK, **problems(NO_MODEL)})
async def readyz(request: Request) -> Response:
    """Say whether a prediction would be answered; while not, send requests elsewhere.

    An image is computed to find out, once a second at most.
    """
    readiness: Readiness = request.app.state.readiness
    why_not = await readiness.why_not(request.app.state.service)
    if why_not is not None:
        raise NoModelError(why_not)
    return _ok()


def _ok() -> Response:
    return Response("ok\n", media_type="text/plain")
