"""Keeps a service on the version that its alias points at, and its shadow on another's.

Each process follows by itself; a request to look at once reaches all of them. Knows nothing of
HTTP, nor of what moves an alias.
"""

import asyncio
import contextlib
import logging
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mlopsproj_core.errors import NotFoundError, ServingError
from mlopsproj_core.registry import PRODUCTION, ModelVersion, Registry

from mlopsproj_serving.background import at_low_priority, in_thread
from mlopsproj_serving.config import SchedulingConfig
from mlopsproj_serving.model import ServedModel
from mlopsproj_serving.scheduling.memory import Memory
from mlopsproj_serving.service import Service
from mlopsproj_serving.versions.follower import Follower, Located
from mlopsproj_serving.versions.reload_requests import ReloadRequests
from mlopsproj_serving.versions.shadow import Shadow

if TYPE_CHECKING:
    from mlopsproj_serving.telemetry.metrics import Metrics

logger = logging.getLogger(__name__)

SHADOW: Final = "shadow"
FIRST_LOAD_SECONDS: Final = 20.0
"""That a start waits for the first version before it lets clients be told that there is none."""

LAST_COPY_SECONDS: Final = 5.0
"""That an end waits for the copy that the shadow has begun, which nobody waits for."""

_TRAIN = "`uv run train`"
_MEND = f"{_TRAIN} makes a model, and `uv run registry promote` points the alias at one."


class Reloader:
    """Follows two aliases for a service; belongs to its event loop.

    Attributes:
        registry: that is followed.
        production: what the service answers with.
        shadow_follower: what copies are computed with.
        shadow: that computes them.
    """

    def __init__(
        self,
        service: Service,
        registry: Registry,
        *,
        metrics: "Metrics | None" = None,
        run_folder: Path | None = None,
    ) -> None:
        """Begin with nothing loaded; `start` follows.

        Args:
            service: that answers; its configuration says what is followed.
            registry: that is followed.
            metrics: that count what is loaded.
            run_folder: that exists and that all processes of the service share; None if there is
                one process.
        """
        config = service.config
        self.registry = registry
        self._service = service
        self._metrics = metrics
        self._requests = ReloadRequests(run_folder) if run_folder is not None else None
        self._memory = Memory.default()
        self._name: str | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self.shadow = Shadow(
            share=config.shadow_share,
            log=service.log,
            metrics=metrics,
            busy=lambda: service.admission.inside > 0,
        )
        service.after_answer.append(self.shadow.copy)
        self.production = Follower(
            locate=self._locate_production,
            load=self._load_production,
            hand_over=self._serve,
            failed=self._tell_failure,
            poll_seconds=config.reload_seconds,
        )
        self.shadow_follower = Follower(
            locate=self._locate_shadow,
            load=self._load_shadow,
            hand_over=self.shadow.use,
            failed=lambda _version, _reason: None,
            poll_seconds=config.reload_seconds,
        )

    async def start(self, *, wait_seconds: float = FIRST_LOAD_SECONDS) -> None:
        """Begin to follow; returns when the first version answers or has failed.

        Args:
            wait_seconds: after which it returns all the same, and goes on loading.
        """
        self._tasks = [asyncio.create_task(self.production.run())]
        if self._service.config.shadow_share > 0:
            self._tasks.append(asyncio.create_task(self.shadow_follower.run()))
        if self._requests is not None:
            self._tasks.append(asyncio.create_task(self._hear(self._requests)))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_seconds):
                await self.production.look()

    async def reload(self) -> None:
        """Let all processes look at the registry now; returns when this one is done.

        A version that failed is tried again.

        Raises:
            ServingError: if the service is ending, or the other processes could not be told.
        """
        untold = None
        if self._requests is not None:
            try:
                self._requests.make()
            except OSError as error:
                untold = error
        await self._look()
        if untold is not None:
            raise ServingError(
                f"This process has looked, and could not tell the others ({untold}): they look by"
                f" themselves every {self._service.config.reload_seconds:g} s."
            )

    async def follow_move(self, alias: str) -> None:
        """An alias was moved: let all processes look; returns when this one has followed.

        What goes wrong is in the state that can be asked for: the alias is moved all the same.

        Args:
            alias: that was moved; a shadow that is slow to load holds up nobody who moved another.
        """
        if self._requests is not None:
            try:
                self._requests.make()
            except OSError as error:
                logger.warning("the other processes look a little later: %s", error)
        shadows = alias == SHADOW and self._service.config.shadow_share > 0
        followers = (self.production, self.shadow_follower)
        other, follower = followers if shadows else followers[::-1]
        other.wake()
        with contextlib.suppress(ServingError):  # the service is ending
            await follower.look()

    async def close(self) -> None:
        """Follow nothing any more, and end the shadow; the service keeps what it answers with."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_COPY_SECONDS):
                await in_thread(self._close_shadow)
        await self.production.all_closed()
        await self.shadow_follower.all_closed()

    def _close_shadow(self) -> None:
        model = self.shadow.model
        self.shadow.close()
        if model is not None:
            model.close()

    @property
    def name(self) -> str | None:
        """Of the model that is followed; None if that is not known before one is found."""
        return self._name or re.split("[@:]", self._service.config.model)[0] or None

    @property
    def alias(self) -> str | None:
        """That the service follows; None if its configuration names a version."""
        reference = self._service.config.model
        if ":" in reference:
            return None
        return reference.partition("@")[2] or PRODUCTION

    async def _look(self) -> None:
        await self.production.look()
        if self._service.config.shadow_share > 0:
            await self.shadow_follower.look()

    async def _hear(self, requests: ReloadRequests) -> None:
        while True:
            await requests.wait()
            await self._look()

    def _locate_production(self) -> Located:
        reference = self._service.config.model
        if self._name is not None and reference[:1] in ("", "@", ":"):
            # Another model that is published later does not make it unclear which one is served.
            reference = self._name + reference
        return self.registry.locate(reference)

    def _load_production(self, version: ModelVersion) -> ServedModel:
        return ServedModel.load(
            self.registry,
            version,
            self._service.config,
            memory=self._memory,
            beside=self._service.current,
        )

    def _serve(self, model: ServedModel | None) -> None:
        assert model is not None  # noqa: S101 (production is always located, or not reached)
        self._name = model.version.name
        self._service.serve(model)
        if self._metrics is not None:
            self._metrics.model_served(
                model=model.version.name, version=model.version.number, strategy=model.strategy
            )
        self.shadow_follower.wake()

    def _tell_failure(self, version: ModelVersion | None, reason: str) -> None:
        if version is not None and self._metrics is not None:
            self._metrics.reload_failed()
        why = reason if version is None else f"{version} cannot be loaded: {reason}"
        self._service.why_none = why if _TRAIN in why else f"{why} {_MEND}"

    def _locate_shadow(self) -> Located | None:
        if self._name is None:
            return None
        try:
            return self.registry.locate(f"{self._name}@{SHADOW}")
        except NotFoundError:
            return None

    def _load_shadow(self, version: ModelVersion) -> ServedModel:
        config = replace(
            self._service.config, scheduling=SchedulingConfig(strategy="single", threads=1)
        )
        return at_low_priority(lambda: ServedModel.load(self.registry, version, config))
