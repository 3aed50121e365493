"""`GET /livez`, `GET /readyz` and `GET /metrics`."""

import asyncio
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from mlopsproj_core.errors import MlopsprojError
from mlopsproj_serving.http.openapi import problems
from mlopsproj_serving.http.problem_kinds import DATABASE, NO_MODEL, REGISTRY, UNCHECKED
from mlopsproj_serving.http.problems import ProblemError, kind_of

from mlopsproj_monitor.metrics import CONTENT_TYPE, MonitorMetrics
from mlopsproj_monitor.routes.asking import monitor_of

router = APIRouter(tags=["operation"])

_TEXT: Final[dict[str, Any]] = {"text/plain": {"schema": {"type": "string"}}}
_OK: Final[dict[int | str, dict[str, Any]]] = {200: {"description": "Yes.", "content": _TEXT}}
_PAGE: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "Every metric, in the text format of Prometheus.",
        "content": {
            "text/plain": {
                "schema": {"type": "string"},
                "example": 'mlopsproj_monitor_drift{model="solar-cells",version="3"} 1.0\n',
            }
        },
    }
}


@router.get("/livez", response_class=Response, responses={**_OK, **problems()})
async def livez(request: Request) -> Response:
    """Say that the process turns, and its loops too; if it does not say so, restart it."""
    if not all(each.runs for each in monitor_of(request).repetitions):
        raise MlopsprojError("A loop of the monitor has ended: its log says why.")
    return _ok()


@router.get(
    "/readyz",
    response_class=Response,
    responses={**_OK, **problems(NO_MODEL, UNCHECKED, DATABASE, REGISTRY)},
)
async def readyz(request: Request) -> Response:
    """Say whether a check would be made; if not, why."""
    why_not = monitor_of(request).why_not_ready()
    if why_not is not None:
        is_away = kind_of(why_not).status == UNCHECKED.status
        raise why_not if is_away else ProblemError(UNCHECKED, str(why_not))
    return _ok()


@router.get("/metrics", response_class=Response, responses=_PAGE)
async def metrics(request: Request) -> Response:
    """Tell what was found and counted."""
    counted: MonitorMetrics = request.app.state.metrics
    page = await asyncio.to_thread(counted.render)
    return Response(page, headers={"Content-Type": CONTENT_TYPE})


def _ok() -> Response:
    return Response("ok\n", media_type="text/plain")
