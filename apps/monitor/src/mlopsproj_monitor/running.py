"""The service from its beginning to its end: what watches, what tells, and HTTP in front.

Knows nothing of arguments.
"""

import asyncio
import logging
import os
import socket
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager, contextmanager
from datetime import timedelta
from typing import Final

from fastapi import FastAPI
from mlopsproj_core.events import receiver
from mlopsproj_core.registry import Registry
from mlopsproj_records.database import Database
from mlopsproj_serving.process.listening import url_of
from mlopsproj_serving.process.logs import AccessLog
from mlopsproj_serving.process.server import Server
from mlopsproj_serving.process.settings import without_password

from mlopsproj_monitor.application import create_app
from mlopsproj_monitor.conditions import Conditions
from mlopsproj_monitor.delivery import Delivery
from mlopsproj_monitor.detection import Detectors
from mlopsproj_monitor.following import Following
from mlopsproj_monitor.metrics import MonitorMetrics
from mlopsproj_monitor.monitor import Monitor
from mlopsproj_monitor.repetition import Repetition
from mlopsproj_monitor.reports import Reports
from mlopsproj_monitor.routes.asking import THREADS
from mlopsproj_monitor.settings import MonitorSettings
from mlopsproj_monitor.watch import Watch, WatchConfig

LOOK_SECONDS: Final = 5.0
"""Between two looks at registry, log and outbox, which cost next to nothing; see `Watch`."""

ENDING_SECONDS: Final = 5.0
"""That a check which is being made is waited for at the end: it is made again by the next."""


def serve(settings: MonitorSettings, listener: socket.socket, say: Callable[[str], None]) -> None:
    """Watch and answer until a signal says to end.

    Args:
        settings: of the service.
        listener: socket that listens.
        say: takes what is to be told once it answers.

    Raises:
        ConfigError: if a setting cannot be used.
    """
    keys, admin_keys = settings.key_ring("keys"), settings.key_ring("admin_keys")
    metrics = MonitorMetrics()
    with ExitStack() as stack:
        access = AccessLog() if settings.access_log else None
        if access is not None:
            stack.callback(access.close)
        made = stack.enter_context(_monitor(settings, metrics))
        readers = ThreadPoolExecutor(THREADS, thread_name_prefix="asking")
        stack.callback(readers.shutdown, wait=False, cancel_futures=True)

        @asynccontextmanager
        async def lifespan(app: FastAPI) -> AsyncIterator[None]:
            app.state.monitor, app.state.readers = made, readers
            app.state.decided = made.repetitions[-1].wake
            for each in made.repetitions:
                each.start()
            yield
            for each in made.repetitions:
                await asyncio.to_thread(each.stop, patience_seconds=ENDING_SECONDS)

        app = create_app(
            lifespan,
            metrics=metrics,
            body_seconds=settings.body_seconds,
            access=access,
            keys=keys,
            admin_keys=admin_keys,
        )
        url = url_of(listener)
        Server(
            app, settings, ready=lambda: say(welcome(settings, url, how=made.following.how))
        ).run([listener])


def end_beside_threads() -> None:
    """End this process with 0 if a thread still computes, or hangs, that was waited for in vain.

    Python would wait for ever for one that answers requests, and crash beside one that computes
    while it takes itself down. What such a thread has not committed is made again by the next
    monitor.
    """
    if all(each is threading.current_thread() for each in threading.enumerate()):
        return
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


@contextmanager
def _monitor(settings: MonitorSettings, metrics: MonitorMetrics) -> Iterator[Monitor]:
    registry = Registry(settings.registry_url)
    conditions = Conditions()
    seconds = min(LOOK_SECONDS, settings.interval_seconds)
    with Database(settings.database_url) as database:
        following = Following(settings, database)
        delivery = Delivery(following, metrics=metrics, conditions=conditions)
        delivering = Repetition("delivery", delivery.deliver, seconds=seconds)
        detectors, config = Detectors(registry, settings.drift_config()), watch_config(settings)
        watch = Watch(
            config,
            registry=registry,
            database=database,
            detectors=detectors,
            following=following,
            metrics=metrics,
            conditions=conditions,
            told=delivering.wake,
        )
        looking = Repetition("watch", watch.look, seconds=seconds)
        reports = Reports(database, detectors, config.window)
        repetitions = (looking, delivering)
        yield Monitor(database, watch, following, conditions, reports, repetitions)


def watch_config(settings: MonitorSettings) -> WatchConfig:
    """The settings as the watch takes them.

    Raises:
        ConfigError: if they contradict each other.
    """
    return WatchConfig(
        reference=settings.reference,
        window=settings.window_config(),
        minimum_images=settings.minimum_images,
        interval=timedelta(seconds=settings.interval_seconds),
        step_images=settings.step_images,
    )


def welcome(settings: MonitorSettings, url: str, *, how: str | None) -> str:
    """What is printed once the service answers.

    Args:
        settings: of the service.
        url: where it is reached.
        how: a retraining is started, without secrets; None if none is.
    """
    size = settings.window_config()
    window = f"the newest {size.images:,} images" if size.images else f"the last {size.hours:g} h"
    starts = "nothing: MLOPSPROJ_MONITOR_RETRAIN is not set"
    if how is not None:
        starts = f"{how} ({'at once' if settings.approve == 'auto' else 'after approval'})"
    lines = {
        "listens": f"{url} (its pages: {url}/docs)",
        "watches": f"{settings.reference} of {without_password(settings.registry_url)}, in"
        f" {without_password(settings.database_url)}",
        "checks": f"{window}, every {settings.interval_seconds:g} s at most, after"
        f" {settings.step_images:,} new images, at alpha {settings.alpha:g}",
        "tells": f"{receiver(settings.event_url)}, of a version once in"
        f" {settings.cooldown_hours:g} hours",
        "starts": starts,
        "next": f"curl {url}/v1/drift",
    }
    return "\n".join(f"{name:9} {text}" for name, text in lines.items())
