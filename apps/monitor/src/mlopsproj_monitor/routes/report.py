"""`GET /v1/report`: what was found, as a page with figures."""

import asyncio
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from mlopsproj_core.errors import NoModelError, RegistryError
from mlopsproj_core.registry import ModelVersion
from mlopsproj_serving.background import in_thread
from mlopsproj_serving.http.openapi import problems
from mlopsproj_serving.http.problem_kinds import (
    DATABASE,
    INVALID,
    NO_MODEL,
    NOT_FOUND,
    REGISTRY,
    UNAUTHORIZED,
    UNCHECKED,
)

from mlopsproj_monitor.routes.asking import monitor_of
from mlopsproj_monitor.routes.drift import VERSION_QUERY, version_of

router = APIRouter(tags=["drift"])

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:;"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Lets a browser take the page's own style and figures, and nothing from anywhere."""


PATIENCE_SECONDS: Final = 120.0
"""For one page, its wait for others' included."""


@router.get(
    "/v1/report",
    response_class=HTMLResponse,
    responses={
        200: {
            "description": "A page that asks no other host for anything.",
            "content": {"text/html": {"schema": {"type": "string"}}},
        },
        **problems(UNAUTHORIZED, NOT_FOUND, INVALID, NO_MODEL, UNCHECKED, DATABASE, REGISTRY),
    },
    openapi_extra={"parameters": VERSION_QUERY},
)
async def report(request: Request) -> HTMLResponse:
    """Show what the latest check of a version found, with figures.

    Of the version that the alias points at unless another is asked for. Takes seconds at first.
    """
    request.app.state.callers.admit(request.scope)
    monitor = monitor_of(request)
    model, version = version_of(request)
    watched = monitor.watched
    if not watched and (model is None or version is None):
        raise monitor.why_not_ready() or NoModelError("Nothing is watched yet.")
    meant = ModelVersion(model or watched[0].version.name, version or watched[0].version.number)
    turn: asyncio.Lock = request.app.state.report_turn
    try:
        async with asyncio.timeout(PATIENCE_SECONDS), turn:
            page = await in_thread(lambda: monitor.reports.page(meant))
    except TimeoutError:
        raise RegistryError(
            f"The page was not made within {PATIENCE_SECONDS:g} s: something that it is made of"
            " hangs, or the machine is busy. Try again later."
        ) from None
    return HTMLResponse(page, headers={"Content-Security-Policy": CONTENT_SECURITY_POLICY})
