"""A service in a container: waits until it answers, asks it, and ends it."""

import json
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO

from images.engine import Container, Engine, ImageError

START_SECONDS = 60
END_SECONDS = 30
POLL_SECONDS = 0.01


class Service:
    """A container that listens at a port of this machine.

    Attributes:
        ready_seconds: from its start until it was ready.
    """

    ready_seconds: float

    def __init__(self, name: str, line: list[str], port: int, output: IO[bytes]) -> None:
        """Start it by its command line; what it says goes to `output`."""
        self._name, self._output, self._url = name, output, f"http://127.0.0.1:{port}"
        self._started = time.monotonic()
        self._process = subprocess.Popen(line, stdout=output, stderr=subprocess.STDOUT)

    def _failed(self, what: str) -> ImageError:
        self._output.seek(0)
        told = self._output.read().decode(errors="replace")
        return ImageError(f"{self._name} {what}:\n{told}")

    def wait(self) -> None:
        """Until it is ready.

        Raises:
            ImageError: it ends instead, or is not ready within a minute.
        """
        while time.monotonic() < self._started + START_SECONDS:
            if self._process.poll() is not None:
                raise self._failed(f"ended with {self._process.returncode} while it started")
            try:
                with urllib.request.urlopen(f"{self._url}/readyz", timeout=1):  # noqa: S310 (http)
                    self.ready_seconds = time.monotonic() - self._started
                    return
            except (OSError, urllib.error.URLError):
                time.sleep(POLL_SECONDS)
        raise self._failed(f"was not ready within {START_SECONDS} s")

    def predict(self, image: bytes) -> str:
        """What it sees in an image, a PNG, and the model that saw it.

        Raises:
            ImageError: it answers with a problem.
        """
        asked = urllib.request.Request(  # noqa: S310 (http, at this machine)
            f"{self._url}/v1/predict", image, {"Content-Type": "image/png"}
        )
        try:
            with urllib.request.urlopen(asked, timeout=10) as answer:  # noqa: S310 (as above)
                told = json.load(answer)
        except urllib.error.HTTPError as problem:
            raise self._failed(f"answered {problem.code}: {problem.read().decode()}") from problem
        return f"{told['predictions'][0]['class']} by {told['model']}:{told['version']}"

    def hold_health(self, check: list[str]) -> None:
        """Run the image's own health check, the command line of a container.

        Raises:
            ImageError: it says that the service does not live.
        """
        code = subprocess.run(check, check=False).returncode
        if code:
            raise self._failed(f"is not healthy, by its check, which ended with {code}")

    def end(self) -> None:
        """End it as an orchestrator does.

        Raises:
            ImageError: SIGTERM does not end it, or not with 0.
        """
        self._process.send_signal(signal.SIGTERM)
        try:
            code = self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            raise self._failed(f"did not end within {END_SECONDS} s of SIGTERM") from None
        if code:
            raise self._failed(f"ended with {code} after SIGTERM")

    def abandon(self) -> None:
        """End it in any way, unless it has ended."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


@contextmanager
def serving(
    engine: Engine, reference: str, name: str, folders: Mapping[str, str]
) -> Iterator[Service]:
    """A service that is ready, and healthy by its image's check; it must end with 0 on SIGTERM.

    Args:
        engine: that runs it.
        reference: of its image.
        name: of the app.
        folders: volumes: `models`, in which train has worked, and one of the app's name.

    Raises:
        ImageError: it does not do so.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    environment = {
        "MLOPSPROJ_REGISTRY_URL": "/models/registry",
        f"MLOPSPROJ_{name.upper()}_PORT": str(port),
    }
    mounts = (f"{folders['models']}:/models:ro", f"{folders[name]}:/data")
    line = engine.command_line(Container(reference, (), environment, mounts))
    check = ("python", "/opt/mlopsproj/health.py", str(port))
    checking = engine.command_line(Container(reference, check))
    with tempfile.TemporaryFile() as output:
        service = Service(name, line, port, output)
        try:
            service.wait()
            service.hold_health(checking)
            yield service
            service.end()
        finally:
            service.abandon()
