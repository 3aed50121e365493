"""Who is measured, and how each is started: ours, and what a user would pick instead."""

import contextlib
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, get_args

from serving.inputs import Form, Served
from serving.load import Target
from serving.rivals.model import Decoder, RivalSettings
from serving.server import Server, free_port

BENCHMARKS = Path(__file__).parents[1]
BIN = Path(sys.executable).parent

Rival = Literal[
    "FastAPI async",
    "FastAPI threads",
    "LitServe",
    "LitServe batching",
    "BentoML",
    "BentoML batching",
]

RIVALS: tuple[Rival, ...] = get_args(Rival)


@dataclass(frozen=True)
class Contender:
    """One server with its settings.

    Attributes:
        rival: which one; None is ours.
        settings: of a rival; of ours only the workers count.
        environment: of ours, by the names of its settings.
    """

    rival: Rival | None
    settings: RivalSettings = field(default_factory=lambda: RivalSettings(bundle=""))
    environment: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        """As results are called."""
        if self.rival is None:
            return "ours"
        return self.rival + (", our decoder" if self.settings.decoder == "ours" else "")

    @property
    def choice(self) -> str:
        """What was set, in short."""
        if self.rival is None:
            return ", ".join(f"{key}={value}" for key, value in self.environment) or "defaults"
        told = [f"workers={self.settings.workers}", f"onnx={self.settings.onnx_threads or 'auto'}"]
        if self.rival.startswith("BentoML"):
            told.append(f"threads={self.settings.threads}")
        if self.settings.fast_queue:
            told.append("fast_queue")
        if self.settings.batch > 1:
            told.append(f"wait={self.settings.wait_ms:g}ms")
        return " ".join(told)

    def launch(self, served: Served, scratch: Path) -> "Launched":
        """Start it for a model, without waiting until it is ready.

        Args:
            served: the model.
            scratch: a folder of its own, for its files.
        """
        port = free_port()
        here = f"http://127.0.0.1:{port}"
        if self.rival is None:
            server = Server(
                [str(BIN / "api"), "--port", str(port)],
                {
                    "MLOPSPROJ_REGISTRY_URL": str(served.registry),
                    "MLOPSPROJ_DATABASE_URL": f"sqlite:///{scratch}/log.db",
                    "MLOPSPROJ_SPOOL_DIR": str(scratch / "spool"),
                    "XDG_CACHE_HOME": str(scratch / "cache"),
                    **dict(self.environment),
                },
                scratch,
                f"{here}/readyz",
            )
            return Launched(self, server, Target(f"{here}/v1/predict", "raw", "file"))
        settings = replace(self.settings, bundle=str(served.bundle))
        command, ready, form, name = _how(self.rival, settings, port)
        environment = settings.environment() | {
            "PYTHONPATH": str(BENCHMARKS),
            "BENTOML_HOME": str(scratch / "bentoml"),
            "BENTOML_DO_NOT_TRACK": "True",
        }
        restless = self.rival == "LitServe batching"  # takes 0.14 to 0.24 of a core for nothing
        server = Server(command, environment, scratch, f"{here}{ready}", restless=restless)
        return Launched(self, server, Target(f"{here}/predict", form, name))


@dataclass(frozen=True)
class Launched:
    """A contender that was started.

    Attributes:
        contender: which.
        server: its processes.
        target: where images go.
    """

    contender: Contender
    server: Server
    target: Target


@contextlib.contextmanager
def running(contenders: Sequence[Contender], served: Served) -> Iterator[list[Launched]]:
    """Start all, ours one after the other, wait until all are ready, and end them at last.

    Args:
        contenders: in whose order they are given back.
        served: the model.
    """
    with contextlib.ExitStack() as stack:
        scratch = stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
        launched = []
        for number, contender in enumerate(contenders):
            launched.append(contender.launch(served, Path(scratch) / str(number)))
            stack.enter_context(launched[-1].server)
            if contender.rival is None:
                launched[-1].server.wait_ready()  # it measures its model: nothing else starts
        for each in launched:
            each.server.wait_ready()
        for each in launched:
            each.server.rest()
        yield launched


def _how(rival: Rival, settings: RivalSettings, port: int) -> tuple[list[str], str, Form, str]:
    """Command, path that tells that it is ready, form of a body, and its field."""
    python = sys.executable
    if rival in {"FastAPI async", "FastAPI threads"}:
        module = "fastapi_async" if rival == "FastAPI async" else "fastapi_threads"
        command = [
            *(python, "-m", "uvicorn", f"serving.rivals.{module}:app", "--port", str(port)),
            *("--workers", str(settings.workers), "--no-access-log", "--log-level", "warning"),
        ]
        return command, "/openapi.json", "raw", ""
    if rival in {"LitServe", "LitServe batching"}:
        command = [python, "-m", "serving.rivals.litserve_server", str(port)]
        return command, "/health", "multipart", "image"
    batching = rival == "BentoML batching"
    module = "bentoml_batching" if batching else "bentoml_single"
    command = [
        *(str(BIN / "bentoml"), "serve", f"serving.rivals.{module}:Classifier", "--quiet"),
        *("--host", "127.0.0.1", "--port", str(port), "--working-dir", str(BENCHMARKS)),
    ]
    return command, "/readyz", "multipart" if batching else "raw", "images" if batching else ""


def ours(**environment: str) -> Contender:
    """Our own server, with settings by the names of its environment without their prefix."""
    named = ((f"MLOPSPROJ_API_{key.upper()}", value) for key, value in environment.items())
    return Contender(None, environment=tuple(sorted(named)))


def candidates(rival: Rival, decoder: Decoder = "pillow") -> list[Contender]:
    """Settings among which a rival's best is looked for, on two cores."""
    settings = RivalSettings(bundle="", decoder=decoder)
    if rival.endswith("batching"):
        # LitServe's batches wait so long; BentoML's time is what an answer may take at most.
        settings = replace(settings, batch=16, wait_ms=5 if rival.startswith("Lit") else 10_000)
    one, one_auto = settings, replace(settings, onnx_threads=0)
    two = replace(settings, workers=2)
    if rival.startswith("FastAPI"):
        shapes = [one, one_auto, two]
    elif rival.startswith("LitServe"):
        shapes = [one, two, replace(two, fast_queue=True)]
    else:
        shapes = [one_auto, replace(one, threads=2), two]
    return [Contender(rival, shape) for shape in shapes]


def our_candidates() -> list[Contender]:
    """Ours as it comes, and with settings that may suit two cores better."""
    return [
        ours(),
        ours(workers="2"),
        ours(workers="2", scheduling="single"),
        ours(workers="2", scheduling="batches"),
    ]
