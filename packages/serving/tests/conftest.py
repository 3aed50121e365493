"""An application over a real model, asked from tests that are not asynchronous."""

import asyncio
import contextlib
import io
import socket
from contextlib import asynccontextmanager
from threading import Thread

import httpx
import pytest
import uvicorn
from mlopsproj_core.registry import Registry
from mlopsproj_serving.application import create_app
from mlopsproj_serving.config import Limits, SchedulingConfig, ServingConfig
from mlopsproj_serving.model import ServedModel
from mlopsproj_serving.service import Service
from mlopsproj_serving.versions.reload import Reloader
from PIL import Image
from small_bundle import make_small_bundle


class Client:
    """An application in an event loop of its own thread."""

    def __init__(self, app):
        self.app = app
        self.loop = asyncio.new_event_loop()
        self._thread = Thread(target=self.loop.run_forever)
        self._thread.start()
        self._stack = contextlib.AsyncExitStack()
        self.run(self._start())

    async def _start(self):
        await self._stack.enter_async_context(self.app.router.lifespan_context(self.app))
        transport = httpx.ASGITransport(self.app)
        self._http = await self._stack.enter_async_context(
            httpx.AsyncClient(transport=transport, base_url="http://test")
        )

    def run(self, coroutine, timeout=60):
        """What a coroutine returns, run in the application's loop."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(timeout)

    def get(self, url, **options):
        return self.run(self._http.get(url, **options))

    def post(self, url, **options):
        return self.run(self._http.post(url, **options))

    def request(self, method, url, **options):
        return self.run(self._http.request(method, url, **options))

    @contextlib.contextmanager
    def listening(self):
        """A real server in front of the application; yields its port."""
        config = uvicorn.Config(self.app, lifespan="off", log_level="error", http="httptools")
        server = uvicorn.Server(config)
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen(128)
            serving = asyncio.run_coroutine_threadsafe(server._serve([listener]), self.loop)
            try:
                yield listener.getsockname()[1]
            finally:
                server.should_exit = True
                serving.result(30)

    def close(self):
        self.run(self._stack.aclose())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()


@pytest.fixture(scope="session")
def small_registry(tmp_path_factory):
    """A registry with one version of the model that tells dark from bright, and that version."""
    folder = tmp_path_factory.mktemp("registry")
    registry = Registry(str(folder / "registry"))
    return registry, registry.publish(make_small_bundle(folder / "bundle"))


@pytest.fixture(scope="module")
def serve(small_registry):
    """Starts an application: `serve(limits=..., log=..., **options of create_app)`."""
    registry, version = small_registry
    clients = []

    def start(*, limits=None, queue_images=256, log=None, model=True, **options):
        scheduling = SchedulingConfig(strategy="single", threads=1, queue_images=queue_images)
        config = ServingConfig(scheduling=scheduling, limits=limits or Limits())

        @asynccontextmanager
        async def lifespan(app):
            service = Service(config, log)
            if model:
                service.serve(await asyncio.to_thread(ServedModel.load, registry, version, config))
            app.state.service = service
            app.state.registry = registry
            try:
                yield
            finally:
                if service.current is not None:
                    await asyncio.to_thread(service.current.close)

        client = Client(create_app(lifespan, **options))
        clients.append(client)
        return client

    yield start
    for client in clients:
        client.close()


@pytest.fixture(scope="module")
def client(serve):
    """An application with every setting left alone, and no log."""
    return serve()


@pytest.fixture
def follow():
    """Starts an application that follows a registry: `follow(registry, **options of create_app)`.

    It looks at the registry when it is asked to.
    """
    clients = []

    def start(registry, *, log=None, model="@production", **options):
        scheduling = SchedulingConfig(strategy="single", threads=1)
        config = ServingConfig(model=model, reload_seconds=3600, scheduling=scheduling)

        @asynccontextmanager
        async def lifespan(app):
            service = Service(config, log)
            reloader = Reloader(service, registry, metrics=app.state.metrics)
            app.state.service, app.state.reloader = service, reloader
            app.state.registry = registry
            await reloader.start()
            try:
                yield
            finally:
                await reloader.close()
                await service.close()

        client = Client(create_app(lifespan, **options))
        clients.append(client)
        return client

    yield start
    for client in clients:
        client.close()


@pytest.fixture(scope="session")
def image():
    """Makes an encoded image: `image(level, format)`."""

    def encoded(level=200, format_="JPEG"):
        file = io.BytesIO()
        Image.new("L", (100, 100), level).save(file, format_)
        return file.getvalue()

    return encoded


@pytest.fixture(scope="session")
def problem():
    """Checks that an answer is a problem with this status and slug, and returns it."""

    def check(answer, status, slug):
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        told = answer.json()
        assert set(told) == {"type", "title", "status", "detail", "request_id"}
        assert told["type"] == f"urn:mlopsproj:problem:{slug}"
        assert told["status"] == status
        assert told["request_id"] == answer.headers["x-request-id"]
        assert told["title"]
        assert told["detail"].endswith((".", ")"))
        return told

    return check
