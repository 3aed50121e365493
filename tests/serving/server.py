"""`api` or `monitor` as a user starts it: a real process, or several, in a folder of their own.

Knows nothing of what is asked of them; `load` asks.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Self

import httpx
import psutil
from mlopsproj_core import Bundle
from mlopsproj_core.bundle import MODEL, PROBE
from mlopsproj_core.onnx_graph import OnnxGraph
from mlopsproj_core.probe import write_probe
from mlopsproj_core.registry import Registry
from onnx import parser, save
from small_bundle import CLASSES, GRAPH, SPEC, make_small_bundle

BIN = Path(sys.executable).parent
# In a group of its own, which gets the signal that ends it in order.
if sys.platform == "win32":
    APART = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    END = signal.CTRL_BREAK_EVENT
else:
    APART = {"start_new_session": True}
    END = signal.SIGTERM
NAME = "brightness"


def make_version(folder: Path, slope: int) -> Bundle:
    """A bundle whose answers tell it from others: of a white image, P(bright) is sigmoid(slope)."""

    def fill(made: Path) -> None:
        graph = GRAPH.replace("{-8.0, 8.0}", f"{{{-slope}.0, {slope}.0}}")
        assert graph != GRAPH or slope == 8
        save(parser.parse_model(graph), made / MODEL)
        shutil.rmtree((made / PROBE).parent)
        write_probe((made / PROBE).parent, SPEC, OnnxGraph(made / MODEL, SPEC, len(CLASSES)).run)

    return make_small_bundle(folder, name=NAME, fill=fill)


def publish(url: str, bundle: Bundle, *aliases: str) -> int:
    """Add a version to a registry, and point aliases at it; its number."""
    registry = Registry(url)
    number = registry.publish(bundle).number
    for alias in aliases:
        registry.move_alias(NAME, alias, number, actor="test", reason="published")
    return number


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclass
class Api:
    """The command `api` in a folder; started, ended and started again at will.

    Attributes:
        folder: where it is typed; its registry, database and spool are there unless the
            environment says otherwise.
        environment: beside the inherited, without any variable of ours that was inherited.
    """

    command: ClassVar[str] = "api"
    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    process: subprocess.Popen | None = None
    client: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.connect()

    def connect(self) -> None:
        """Ask over a new connection from now on."""
        self.client = httpx.Client(base_url=self.url, timeout=30, trust_env=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def stderr_file(self) -> Path:
        return self.folder / f"{self.command}.txt"

    def stderr(self) -> str:
        """All that it said, over all its starts."""
        return self.stderr_file.read_text(errors="replace") if self.stderr_file.exists() else ""

    def launch(self) -> None:
        """Start, and wait for nothing."""
        ours = ("MLOPSPROJ_", "PORT")
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
        own = {
            "XDG_CACHE_HOME": str(self.folder.parent / "cache"),  # what was measured is remembered
            "OMP_NUM_THREADS": "1",
            "MLOPSPROJ_API_ACCESS_LOG": "0",  # of what it says, only the last pages are shown
            "NO_PROXY": "127.0.0.1,localhost",
        }
        with self.stderr_file.open("ab") as stderr:
            self.process = subprocess.Popen(
                [BIN / self.command, "--port", str(self.port)],
                cwd=self.folder,
                env=inherited | own | self.environment,
                stdin=subprocess.DEVNULL,
                stdout=stderr,
                stderr=stderr,
                **APART,
            )

    def start(self) -> Self:
        """Start, and wait until it is ready."""
        self.launch()
        self.wait_ready()
        return self

    def wait_ready(self, seconds: float = 60) -> None:
        self.wait_until(lambda: self.get_status("/readyz") == 200, "is not ready", seconds)

    def wait_until(self, happened, complaint: str, seconds: float = 60) -> None:
        """Wait for something that the running service does."""
        end = time.monotonic() + seconds
        while not happened():
            assert self.process.poll() is None, f"{self.command} ended:\n{self.stderr()}"
            assert time.monotonic() < end, f"{self.command} {complaint}:\n{self.stderr()[-4000:]}"
            time.sleep(0.02)

    def get_status(self, path: str) -> int | None:
        """Status of an answer; None where there is none."""
        with contextlib.suppress(httpx.HTTPError):
            return self.client.get(path).status_code
        return None

    def predict(self, image: bytes, media_type: str = "image/jpeg", **options) -> httpx.Response:
        return self.client.post(
            "/v1/predict", content=image, headers={"Content-Type": media_type}, **options
        )

    def processes(self) -> list[psutil.Process]:
        """Those that run now, the first one that was started first."""
        with contextlib.suppress(psutil.NoSuchProcess):
            first = psutil.Process(self.process.pid)
            return [first, *first.children(recursive=True)]
        return []

    def workers(self) -> list[psutil.Process]:
        """Those that answer: the processes that hold a model."""
        first, *children = self.processes()
        return [c for c in children if "onnxruntime" in _mapped(c)] or [first]

    def sockets(self) -> int:
        """Connections that some client has open."""
        total = 0
        for process in self.processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                connections = process.net_connections("tcp")
                total += sum(each.status == psutil.CONN_ESTABLISHED for each in connections)
        return total

    def terminate(self, seconds: float = 30) -> int:
        """Ask it to end, as a supervisor does; the exit code."""
        self.process.send_signal(END)
        return self.process.wait(seconds)

    def kill(self) -> None:
        """End every process at once, as power does."""
        if self.process is None:
            return
        for process in self.processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        if sys.platform != "win32":
            with contextlib.suppress(ProcessLookupError):  # orphans of a first process that is gone
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(30)


class Monitor(Api):
    """The command `monitor`, likewise; in an api's folder it reads that one's log."""

    command = "monitor"


def _mapped(process: psutil.Process) -> str:
    try:
        return " ".join(each.path for each in process.memory_maps())
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return ""
