"""One process of the api: the application and its server around the service.

`python -m mlopsproj_api.worker` is one of several, which `supervisor` starts. Knows nothing of how
many there are.
"""

import argparse
import asyncio
import gc
import logging
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from fastapi import FastAPI
from mlopsproj_core.command import run_command
from mlopsproj_core.errors import MlopsprojError
from mlopsproj_serving.application import create_app
from mlopsproj_serving.process.logs import AccessLog, set_up_logging
from mlopsproj_serving.process.server import Server
from mlopsproj_serving.telemetry.metrics import Metrics
from mlopsproj_serving.telemetry.tracing import tracing_from_environment

from mlopsproj_api.channel import WorkerEnd
from mlopsproj_api.channel_server import ChannelServer
from mlopsproj_api.report import Report
from mlopsproj_api.running import running_service, threads_of
from mlopsproj_api.settings import ApiSettings

if TYPE_CHECKING:
    from mlopsproj_serving.service import Service

NOT_YET = "the registry has not answered yet, and is asked again."

BEAT_SECONDS = 1.0
"""Between two signs of life to the supervisor."""


def serve(
    settings: ApiSettings,
    listener: socket.socket | None,
    ready: Callable[[Report], None],
    *,
    channel: WorkerEnd | None = None,
    run_folder: Path | None = None,
) -> None:
    """Answer until a signal says to end; then answer what was accepted, and return.

    Args:
        settings: of the service.
        listener: socket that listens, None if there is a channel.
        ready: called once connections are taken.
        channel: that connections come through.
        run_folder: in which all processes of the service count, and ask each other to look at the
            registry; None if this is the one.

    Raises:
        ConfigError: if a setting cannot be used.
        RecordsError: if the prediction log cannot be.
    """
    keys, admin_keys = settings.key_ring("keys"), settings.key_ring("admin_keys")
    failures: list[MlopsprojError] = []
    with ExitStack() as stack:
        tracing = tracing_from_environment()
        if tracing is not None:
            stack.callback(tracing.close)
        metrics = Metrics(run_folder)
        stack.callback(metrics.close)
        access = AccessLog() if settings.access_log else None
        if access is not None:
            stack.callback(access.close)

        @asynccontextmanager
        async def lifespan(app: FastAPI) -> AsyncIterator[None]:
            try:
                async with running_service(
                    app, settings, metrics=metrics, tracing=tracing, run_folder=run_folder
                ):
                    yield
            except MlopsprojError as error:
                # uvicorn would tell of it by a traceback, and of nothing to its caller.
                logging.getLogger("uvicorn.error").disabled = True
                failures.append(error)
                raise

        app = create_app(
            lifespan,
            metrics=metrics,
            access=access,
            tracing=tracing,
            cors_origins=settings.cors_origins,
            keys=keys,
            requests_per_minute=settings.requests_per_minute,
            admin_keys=admin_keys,
            event_url=settings.event_url,
        )

        def begin() -> None:
            gc.freeze()  # what stands now stays: no collection looks through it again
            gc.enable()
            ready(_report(app, settings))

        server = (
            Server(app, settings, ready=begin)
            if channel is None
            else ChannelServer(app, settings, ready=begin, channel=channel)
        )
        try:
            server.run([] if listener is None else [listener])
        except SystemExit:
            if failures:
                raise failures[0] from None
            raise


def _report(app: FastAPI, settings: ApiSettings) -> Report:
    service: Service = app.state.service
    model = service.current
    return Report(
        model=None if model is None else str(model.version),
        strategy=None if model is None else model.strategy,
        threads=threads_of(settings),
        why=(service.why_none or NOT_YET) if model is None else None,
    )


def main() -> None:
    """Run one process of several, as the supervisor says on the command line."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--channel", type=int, required=True, help="A socket that is open.")
    arguments.add_argument("--run-folder", type=Path, required=True, help="That all share.")
    given = arguments.parse_args()
    run_command(lambda: _run_one_of_several(socket.socket(fileno=given.channel), given.run_folder))


def _run_one_of_several(end: socket.socket, run_folder: Path) -> None:
    settings = ApiSettings.read()
    set_up_logging(settings.log_level, service="mlopsproj_api")
    channel = WorkerEnd(end)

    def ready(report: Report) -> None:
        channel.tell({"ready": msgspec.to_builtins(report)})
        beat(asyncio.get_running_loop())

    def beat(loop: asyncio.AbstractEventLoop) -> None:
        channel.tell({})
        loop.call_later(BEAT_SECONDS, beat, loop)

    serve(settings, None, ready, channel=channel, run_folder=run_folder)


if __name__ == "__main__":
    main()
