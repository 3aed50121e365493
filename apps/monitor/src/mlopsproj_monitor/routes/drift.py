"""`GET /v1/drift` and `GET /v1/drift/history`: what the checks found."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from mlopsproj_core.registry import ModelVersion
from mlopsproj_serving.http.openapi import example, json_answer, problems, ref
from mlopsproj_serving.http.problem_kinds import DATABASE, INVALID, NOT_FOUND, UNAUTHORIZED
from mlopsproj_serving.http.problems import ProblemError

from mlopsproj_monitor.monitor import Monitor
from mlopsproj_monitor.routes.asking import ask, json_of, monitor_of, number, text
from mlopsproj_monitor.shapes import (
    Check,
    Detector,
    Drift,
    History,
    Interval,
    WatchedVersion,
    check_of,
)
from mlopsproj_monitor.versions import Watched

router = APIRouter(tags=["drift"])

SHAPES: Final = (Drift, History)

MOST_CHECKS: Final = 500
_USUAL_CHECKS: Final = 100
_MOST_VERSION: Final = 2**31 - 1

_NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
CHECK: Final = Check(
    id="019c13f1-8d40-7c3a-8d2f-1a2b3c4d5e6f",
    time=_NOON,
    model="solar-cells",
    version=3,
    verdict="drift",
    p_value=0.00012,
    alpha=0.01,
    images=1000,
    labelled=0,
    since=_NOON - timedelta(hours=3),
    until=_NOON,
    reference_images=524,
    estimated_accuracy=Interval(0.81, 0.78, 0.83),
    accuracy=None,
    reference_accuracy=Interval(0.94, 0.92, 0.96),
    changed=["sharpness rose (0.04 → 0.07)"],
    notes=[],
    detectors=[
        Detector(
            *("sharpness", "univariate", 0.31, 0.31, "Kolmogorov-Smirnov distance"),
            *(0.00025, 0.0018, 0.12, 140, True),
        )
    ],
)
_WATCHED: Final = WatchedVersion("solar-cells", 3, "production", _NOON, None, CHECK)


def _query(name: str, description: str, kind: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "in": "query",
        "required": False,
        "description": description,
        "schema": kind,
    }


VERSION_QUERY: Final = [
    _query("model", "Name of the model.", {"type": "string", "minLength": 1, "maxLength": 200}),
    _query(
        "version",
        "Number of its version.",
        {"type": "integer", "minimum": 1, "maximum": _MOST_VERSION},
    ),
]


@router.get(
    "/v1/drift",
    response_class=Response,
    responses={
        200: json_answer(
            "The versions.",
            ref(Drift),
            drift=example(Drift([_WATCHED]), "A version in production that drifts"),
        ),
        **problems(UNAUTHORIZED, NOT_FOUND, INVALID, DATABASE),
    },
    openapi_extra={"parameters": VERSION_QUERY},
)
async def drift(request: Request) -> Response:
    """Show the latest check of each version that is watched, or of one that is asked for."""
    request.app.state.callers.admit(request.scope)
    monitor = monitor_of(request)
    model, version = version_of(request)
    return json_of(await ask(request, lambda: _drift(monitor, model, version)))


@router.get(
    "/v1/drift/history",
    response_class=Response,
    responses={
        200: json_answer(
            "The checks.",
            ref(History),
            history=example(History([CHECK], CHECK.id), "The newest check of several"),
        ),
        **problems(UNAUTHORIZED, NOT_FOUND, INVALID, DATABASE),
    },
    openapi_extra={
        "parameters": [
            *VERSION_QUERY,
            _query(
                "limit",
                f"Checks at most; {_USUAL_CHECKS} unless given.",
                {"type": "integer", "minimum": 1, "maximum": MOST_CHECKS},
            ),
            _query(
                "before",
                "Id of a check: only older ones.",
                {"type": "string", "minLength": 1, "maxLength": 64},
            ),
        ]
    },
)
async def history(request: Request) -> Response:
    """Show what was checked, the newest first."""
    request.app.state.callers.admit(request.scope)
    monitor = monitor_of(request)
    model, version = version_of(request)
    limit = number(request, "limit", most=MOST_CHECKS) or _USUAL_CHECKS
    before = text(request, "before", most=64)

    def read() -> History:
        found, following = monitor.checks(model=model, version=version, before=before, limit=limit)
        return History([check_of(each) for each in found], following)

    return json_of(await ask(request, read))


def version_of(request: Request) -> tuple[str | None, int | None]:
    """The model and the version that a query asks for.

    Raises:
        ProblemError: if they cannot be.
    """
    return text(request, "model"), number(request, "version", most=_MOST_VERSION)


def _drift(monitor: Monitor, model: str | None, version: int | None) -> Drift:
    watched = monitor.watched
    chosen = [
        each
        for each in watched
        if model in {None, each.version.name} and version in {None, each.version.number}
    ]
    if not chosen and (model, version) != (None, None):
        name = model or (watched[0].version.name if watched else None)
        chosen = [_unwatched(monitor, name, version)]
    return Drift([_told(monitor, each) for each in chosen])


def _unwatched(monitor: Monitor, model: str | None, version: int | None) -> Watched:
    """A version that was checked once."""
    found, _ = monitor.checks(model=model, version=version, before=None, limit=1)
    if model is None or not found:
        raise ProblemError(
            NOT_FOUND, "No such version was ever checked: /v1/drift shows what is watched."
        )
    return Watched(ModelVersion(found[0].model, found[0].version), None, None)


def _told(monitor: Monitor, watched: Watched) -> WatchedVersion:
    version = watched.version
    latest = monitor.latest(version.name, version.number)
    return WatchedVersion(
        model=version.name,
        version=version.number,
        alias=watched.alias,
        last_prediction=watched.last_prediction,
        problem=monitor.problem_of(version),
        check=None if latest is None else check_of(latest),
    )
