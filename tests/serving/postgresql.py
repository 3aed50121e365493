"""A real PostgreSQL of a test's own, which can be killed and started again."""

import contextlib
import shutil
import socket
import subprocess
import time
from pathlib import Path

import psutil
import pytest
from serving.server import free_port

# PostgreSQL refuses to run as root.
_NOBODY = 65534
_AS_NOBODY = (
    *("setpriv", "--reuid", str(_NOBODY), "--regid", str(_NOBODY)),
    "--clear-groups",
)


class PostgreSql:
    """A server over a folder; its data outlive its processes."""

    def __init__(self, folder: Path) -> None:
        """Make the data; skip the test where that cannot be done.

        Args:
            folder: empty, and below no folder that only its owner may enter: not pytest's.
        """
        self.port = free_port()
        self.url = f"postgresql+psycopg://app@127.0.0.1:{self.port}/postgres"
        self._folder = folder
        self._log = folder / "log"
        self._server: subprocess.Popen | None = None
        pytest.importorskip("psycopg", reason="the driver psycopg is not installed")
        if shutil.which("initdb") is None or shutil.which("setpriv") is None:
            pytest.skip("PostgreSQL's initdb, or setpriv, is not installed")
        try:
            shutil.chown(folder, _NOBODY, _NOBODY)
        except PermissionError:
            pytest.skip("only root can give PostgreSQL a user of its own")
        made = subprocess.run(
            [*_AS_NOBODY, "initdb", "-D", folder / "data", "-U", "app", "-A", "trust", "-N"],
            capture_output=True,
            text=True,
            check=False,
            cwd=folder,
        )
        if made.returncode:
            pytest.skip(f"initdb does not work here: {made.stderr.strip()}")

    def start(self) -> None:
        """Start, and wait until it takes connections."""
        import psycopg

        end = time.monotonic() + 60
        while True:
            # After a kill, it ends at once as long as a process of before has its memory.
            if self._server is None or self._server.poll() is not None:
                self._launch()
            try:
                psycopg.connect(self.url.replace("+psycopg", ""), connect_timeout=2).close()
            except psycopg.OperationalError:
                assert time.monotonic() < end, f"PostgreSQL does not start: {self._log.read_text()}"
                time.sleep(0.05)
            else:
                return

    def _launch(self) -> None:
        with self._log.open("ab") as log:
            self._server = subprocess.Popen(
                [
                    *(*_AS_NOBODY, "postgres", "-D", self._folder / "data"),
                    *("-p", str(self.port), "-k", self._folder),
                ],
                cwd=self._folder,
                stdout=log,
                stderr=log,
            )

    def kill(self) -> None:
        """End every process at once; the port refuses connections then."""
        if self._server is None:
            return
        with contextlib.suppress(psutil.NoSuchProcess):
            first = psutil.Process(self._server.pid)
            for process in [first, *first.children(recursive=True)]:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
        self._server.wait(30)
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", self.port)) != 0
