"""Registries with small bundles whose evaluations are made up image by image, and the command."""

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from mlopsproj_core.bundle import EVALUATION, TRAINING_IDS
from mlopsproj_core.manifest import Parity
from mlopsproj_core.registry import ModelVersion, Registry
from mlopsproj_evaluation import Scores
from mlopsproj_registry.cli import main
from small_bundle import make_small_bundle

PARITY = Parity(reference="torch", images=100, disagreements=0, max_difference=1e-6)
COMMAND = Path(sys.executable).parent / "registry"


def as_training_ids(ids: Sequence[str]) -> np.ndarray:
    return np.sort(np.array([int(name[:16], 16) for name in ids], np.uint64))


def made_up_scores(
    correct: Sequence[bool], ids: Sequence[str], labels: Sequence[int] | None = None
) -> Scores:
    """An evaluation in which each image is right or wrong as `correct` says."""
    truth = np.zeros(len(ids), np.int64) if labels is None else np.asarray(labels, np.int64)
    predicted = np.where(correct, truth, 1 - truth)
    probabilities = np.where(np.arange(2) == predicted[:, None], 0.9, 0.1).astype(np.float32)
    return Scores(tuple(ids), truth, probabilities)


@dataclass(frozen=True)
class Shop:
    """A registry and the folder in which its bundles are made."""

    registry: Registry
    scratch: Path
    numbers: count

    @staticmethod
    def ids(number: int, *, start: int = 0) -> tuple[str, ...]:
        """Ids of imagined images; the same place gives the same id."""
        places = range(start, start + number)
        return tuple(hashlib.sha256(str(place).encode()).hexdigest() for place in places)

    def publish(
        self,
        correct: Sequence[bool] = (True,) * 100,
        *,
        ids: Sequence[str] | None = None,
        labels: Sequence[int] | None = None,
        trained_on: Sequence[str] = (),
        name: str = "brightness",
        parity: Parity | None = PARITY,
        fingerprint: str = "0" * 64,
    ) -> ModelVersion:
        """A new version; its evaluation is right where `correct` says."""
        scores = made_up_scores(correct, ids or self.ids(len(correct)), labels)

        def fill(folder: Path) -> None:
            scores.write(folder / EVALUATION)
            np.save(folder / TRAINING_IDS, as_training_ids(trained_on), allow_pickle=False)

        folder = self.scratch / f"bundle-{next(self.numbers)}"
        bundle = make_small_bundle(
            folder, name=name, parity=parity, fingerprint=fingerprint, fill=fill
        )
        return self.registry.publish(bundle)

    def put(self, version: ModelVersion, alias: str = "production") -> None:
        """Point an alias at a version, without judging it."""
        self.registry.move_alias(
            version.name, alias, version.number, actor="test", reason="put there"
        )

    def pointed_at(self, alias: str = "production", name: str = "brightness") -> int:
        return self.registry.aliases(name)[alias].version

    def file(self, version: ModelVersion, name: str) -> Path:
        """Where a file of a version lies."""
        return Path(self.registry.url) / version.name / "versions" / str(version.number) / name

    def damage(self, version: ModelVersion, name: str) -> None:
        with self.file(version, name).open("ab") as file:
            file.write(b"damage")

    def rewrite_manifest(self, version: ModelVersion, **values: object) -> None:
        path = self.file(version, "manifest.json")
        path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


@pytest.fixture
def shop(tmp_path) -> Shop:
    return Shop(Registry(str(tmp_path / "models")), tmp_path / "scratch", count())


@pytest.fixture
def environment(shop, tmp_path) -> dict[str, str]:
    """Of a command that works on the shop's registry, in `tmp_path`."""
    ours = {key: value for key, value in os.environ.items() if not key.startswith("MLOPSPROJ_")}
    return {**ours, "MLOPSPROJ_REGISTRY_URL": shop.registry.url}


@dataclass(frozen=True)
class Ended:
    """What a command left behind."""

    code: int
    out: str
    err: str


@pytest.fixture
def run_process(environment, tmp_path):
    """The real command in a process of its own, as a user runs it."""

    def run_command(*arguments: str, **more: str) -> Ended:
        ended = subprocess.run(
            [COMMAND, *arguments],
            cwd=tmp_path,
            env={**environment, **more},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return Ended(ended.returncode, ended.stdout, ended.stderr)

    return run_command


@pytest.fixture
def run(environment, tmp_path, monkeypatch, capsys):
    """The same inside this process, which is faster; messages are logged, not shown."""

    def run_main(*arguments: str, **more: str) -> Ended:
        with monkeypatch.context() as patch:
            patch.chdir(tmp_path)
            patch.setattr(sys, "argv", ["registry", *arguments])
            for name in [name for name in os.environ if name.startswith("MLOPSPROJ_")]:
                patch.delenv(name)
            for name, value in {**environment, **more}.items():
                patch.setenv(name, value)
            capsys.readouterr()
            with pytest.raises(SystemExit) as end:
                main()
        shown = capsys.readouterr()
        return Ended(end.value.code or 0, shown.out, shown.err)

    return run_main


class Webhook(ThreadingHTTPServer):
    """A server that keeps what it is told; answers with `statuses` in turn, then with 200."""

    def __init__(self, statuses: Sequence[int] = ()) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.statuses = list(statuses)
        self.told: list[dict] = []
        self.arrived = threading.Event()
        self.answers = threading.Event()
        self.answers.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/events"


class _Handler(BaseHTTPRequestHandler):
    server: Webhook

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.told.append(json.loads(body))
        self.server.arrived.set()
        self.server.answers.wait(timeout=60)
        status = self.server.statuses.pop(0) if self.server.statuses else 200
        self.send_response(status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def webhook():
    with Webhook() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.answers.set()
        server.shutdown()
        thread.join()
