"""The ASGI application over a monitor: routes and what surrounds them.

Knows nothing of processes, ports or the environment.
"""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from fastapi import FastAPI
from mlopsproj_serving.http.callers import Callers
from mlopsproj_serving.http.edge import Access, Edge
from mlopsproj_serving.http.keys import KeyRing
from mlopsproj_serving.http.openapi import describe
from mlopsproj_serving.http.problems import install
from mlopsproj_serving.routes import docs

from mlopsproj_monitor.metrics import MonitorMetrics
from mlopsproj_monitor.routes import drift, operation, report, retraining

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def create_app(
    lifespan: Lifespan,
    *,
    metrics: MonitorMetrics,
    body_seconds: float = 30.0,
    access: Callable[[Access], None] | None = None,
    keys: KeyRing | None = None,
    admin_keys: KeyRing | None = None,
) -> FastAPI:
    """Make the application.

    Args:
        lifespan: puts a `Monitor` into `app.state.monitor` before the first request, a
            `ThreadPoolExecutor` for its questions into `app.state.readers`, and what is called
            after a decision into `app.state.decided`.
        metrics: that everything is counted in.
        body_seconds: until a request has arrived.
        access: takes the lines of the access log.
        keys: of those that may ask; everyone may unless given.
        admin_keys: of those that may decide; without any, there are no routes for it.
    """
    app = FastAPI(
        title="mlopsproj monitor",
        lifespan=lifespan,
        docs_url=None,  # FastAPI's pages are loaded from another host; `routes.docs` is ours
        redoc_url=None,
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    app.state.metrics = metrics
    app.state.callers = Callers(keys or KeyRing({}), requests_per_minute=None, metrics=metrics)
    app.state.report_turn = asyncio.Lock()
    install(app)
    for routes in (drift, report, retraining, operation, docs):
        app.include_router(routes.router)
    if admin_keys:
        admins = Callers(admin_keys, requests_per_minute=None, metrics=metrics)
        app.include_router(retraining.decisions(admins, body_seconds=body_seconds))
    describe(
        app,
        [*drift.SHAPES, *retraining.SHAPES],
        about="Says whether what a model is asked has drifted.",
        keyed=("/v1/",) if keys else ("/v1/retraining/",) if admin_keys else (),
    )
    app.add_middleware(Edge, metrics=metrics, access=access)
    return app
