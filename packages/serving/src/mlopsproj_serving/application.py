"""The ASGI application over a service: routes and what surrounds them.

Knows nothing of processes, ports or the environment.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

from fastapi import FastAPI

from mlopsproj_serving.http.callers import Callers
from mlopsproj_serving.http.edge import Access, Edge
from mlopsproj_serving.http.keys import KeyRing
from mlopsproj_serving.http.openapi import describe
from mlopsproj_serving.http.problems import install
from mlopsproj_serving.lookups import Lookups
from mlopsproj_serving.readiness import Readiness
from mlopsproj_serving.routes import docs, feedback, health, model, predict, predictions
from mlopsproj_serving.routes import metrics as metrics_route
from mlopsproj_serving.telemetry.metrics import Metrics

if TYPE_CHECKING:
    import msgspec

    from mlopsproj_serving.telemetry.tracing import Tracing

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def create_app(
    lifespan: Lifespan,
    *,
    metrics: Metrics | None = None,
    access: Callable[[Access], None] | None = None,
    tracing: "Tracing | None" = None,
    cors_origins: Sequence[str] = (),
    keys: KeyRing | None = None,
    requests_per_minute: int | None = None,
    admin_keys: KeyRing | None = None,
    event_url: str = "log:",
) -> FastAPI:
    """Make the application.

    Args:
        lifespan: puts a `Service` into `app.state.service` and what it follows, a `Reloader`, into
            `app.state.reloader` before the first request, and ends both after the last; also the
            `Registry`, if there is one, into `app.state.registry`.
        metrics: that everything is counted in, later at `app.state.metrics`.
        access: takes the lines of the access log.
        tracing: where spans go.
        cors_origins: whose pages may ask from a browser, e.g. "https://console.example"; none
            unless given.
        keys: of those that may ask; everyone may unless given.
        requests_per_minute: of each key, or else address; no limit unless given.
        admin_keys: of those that may administer; without any, there are no routes for it.
        event_url: where moves of aliases are told that an administrator asks for.
    """
    # FastAPI's own telemetry would look for a provider at every request, and tell spans twice.
    app = FastAPI(
        title="mlopsproj",
        lifespan=lifespan,
        docs_url=None,  # FastAPI's pages are loaded from another host; `routes.docs` is ours
        redoc_url=None,
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    app.state.metrics = metrics or Metrics()
    app.state.callers = Callers(
        keys or KeyRing({}), requests_per_minute=requests_per_minute, metrics=app.state.metrics
    )
    app.state.lookups = Lookups()
    app.state.readiness = Readiness()
    install(app)
    predict.add_to(app)
    for routes in (feedback, predictions, model, health, metrics_route, docs):
        app.include_router(routes.router)
    shapes: list[type[msgspec.Struct]] = [
        *(*predict.SHAPES, *feedback.SHAPES, *predictions.SHAPES, *model.SHAPES)
    ]
    if admin_keys:
        from mlopsproj_serving.routes import admin  # noqa: PLC0415 (when it is wanted)

        admins = Callers(admin_keys, requests_per_minute=None, metrics=app.state.metrics)
        app.include_router(admin.make_router(admins, event_url=event_url))
        shapes += admin.SHAPES
    describe(
        app,
        shapes,
        about="Says what a model sees in images.",
        keyed=("/v1/",) if keys else ("/v1/admin/",) if admin_keys else (),
    )
    if cors_origins:
        from fastapi.middleware.cors import CORSMiddleware  # noqa: PLC0415 (when it is wanted)

        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(cors_origins),
            allow_methods=["GET", "POST"],
            allow_headers=["*"],
            expose_headers=["X-Request-ID", "Retry-After"],
        )
    # Added last, it stands outermost.
    app.add_middleware(Edge, metrics=app.state.metrics, access=access, tracing=tracing)
    return app
