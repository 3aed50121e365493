"""The service of one process, from its beginning to its end: log, model, what follows the alias.

Knows nothing of sockets, nor of other processes.
"""

import asyncio
import contextlib
import logging
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import FastAPI
from mlopsproj_core.cpu import available_cpus
from mlopsproj_core.errors import ConfigError, DatabaseAwayError
from mlopsproj_core.registry import Registry
from mlopsproj_serving.config import Limits, SchedulingConfig, ServingConfig
from mlopsproj_serving.service import Service
from mlopsproj_serving.telemetry.metrics import Metrics
from mlopsproj_serving.versions.reload import Reloader

from mlopsproj_api.settings import ApiSettings

if TYPE_CHECKING:
    from mlopsproj_records.log import PredictionLog
    from mlopsproj_serving.telemetry.tracing import Tracing

logger = logging.getLogger(__name__)

REFRESH_SECONDS = 1.0
"""Between two readings of what other processes show of this one in the metrics."""


@asynccontextmanager
async def running_service(
    app: FastAPI,
    settings: ApiSettings,
    *,
    metrics: Metrics,
    tracing: "Tracing | None" = None,
    run_folder: Path | None = None,
) -> AsyncIterator[None]:
    """A service that answers within the context, in the `state` of an application.

    At the end, everything that was let in is answered, and what it logged is durable.

    Args:
        app: whose `state` gets `service`, `reloader` and `registry`.
        settings: of the service.
        metrics: that everything is counted in.
        tracing: where spans go.
        run_folder: that exists and that all processes of the service share; None if this is the
            one.

    Raises:
        ConfigError: if the spool cannot be written, or the model is not to be found by its name.
        MigrationError: if the database waits for `api migrate`.
    """
    async with AsyncExitStack() as stack:
        log = await _begin_log(settings)
        if log is not None:
            stack.push_async_callback(asyncio.to_thread, log.close)
        service = Service(serving_config(settings), log, metrics=metrics)
        if tracing is not None:
            service.after_answer.append(tracing.image)
        registry = Registry(settings.registry_url)
        reloader = Reloader(service, registry, metrics=metrics, run_folder=run_folder)
        stack.push_async_callback(service.close)
        stack.push_async_callback(reloader.close)  # first: no version comes while one is closed
        await reloader.start()
        metrics.watch(
            queue=lambda: service.admission.inside, log=None if log is None else log.state
        )
        refreshing = asyncio.create_task(_refresh(metrics))
        stack.push_async_callback(_cancel, refreshing)
        app.state.service, app.state.reloader, app.state.registry = service, reloader, registry
        yield


async def _begin_log(settings: ApiSettings) -> "PredictionLog | None":
    if not settings.log:
        return None
    from mlopsproj_records.log import LogConfig, PredictionLog

    await asyncio.to_thread(_check_log, settings)
    return PredictionLog(
        LogConfig(
            database_url=settings.database_url,
            spool_dir=settings.spool_dir,
            image_url=settings.image_log_url,
            image_share=settings.image_share,
            max_spool_bytes=settings.max_spool_bytes,
            retention_days=settings.retention_days,
            retention_count=settings.retention_count,
        )
    )


def _check_log(settings: ApiSettings) -> None:
    """Say now what would otherwise be said of every answer, or of none."""
    folder = settings.spool_dir
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ConfigError(
            f"MLOPSPROJ_SPOOL_DIR is {str(folder)!r}, where answers cannot be kept"
            f" ({error.strerror}): name a folder that can be written, or set MLOPSPROJ_API_LOG=0 to"
            " keep none."
        ) from error
    if not settings.database_url.startswith("postgres"):
        return  # is migrated when it is opened
    from mlopsproj_records.migration import check

    try:
        check(settings.database_url)
    except DatabaseAwayError as error:
        logger.warning("Answers wait in %s: %s", folder, error)


async def _refresh(metrics: Metrics) -> None:
    """Another process that is asked shows this one's numbers as they were read here."""
    while True:
        await asyncio.to_thread(metrics.refresh)
        await asyncio.sleep(REFRESH_SECONDS)


async def _cancel(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def serving_config(settings: ApiSettings) -> ServingConfig:
    """The settings as serving takes them."""
    return ServingConfig(
        model=settings.reference,
        reload_seconds=settings.reload_seconds,
        shadow_share=settings.shadow_share,
        scheduling=SchedulingConfig(
            strategy=settings.scheduling,
            threads=threads_of(settings),
            max_batch=settings.max_batch,
            queue_images=settings.queue_images,
        ),
        limits=Limits(
            body_bytes=settings.max_body_bytes,
            held_bytes=settings.max_held_bytes,
            image_pixels=settings.max_image_pixels,
            images=settings.max_images,
            body_seconds=settings.body_seconds,
            deadline_seconds=settings.deadline_seconds,
            requests_per_minute=settings.requests_per_minute,
        ),
    )


def threads_of(settings: ApiSettings) -> int:
    """Threads that compute in one process."""
    return settings.threads or max(1, available_cpus() // settings.workers)
