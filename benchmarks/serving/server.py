"""One server as processes of their own: started, awaited, given its turns, ended.

All servers of a run stay up, so that they can be measured in turn. Most take 0.002 to 0.009 of a
core when nobody asks them; one that looks for work all the time is held still by a signal until
its turn. Not all are: whoever supervises processes would take them for dead afterwards.
Knows nothing of what they serve.
"""

import atexit
import contextlib
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

_READY_SECONDS = 120
_END_SECONDS = 15


class _Signals:
    """What came while a process was being started, of which nobody would know yet."""

    deferring = False
    came: int | None = None


class Server:
    """A command that listens on a port, and everything that it started. A context manager."""

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        folder: Path,
        url: str,
        *,
        restless: bool = False,
    ) -> None:
        """Start it.

        Args:
            command: with its arguments.
            environment: added to this process's own.
            folder: that it runs in; its output goes to `output.txt` there.
            url: that answers a GET with 200 once it is ready.
            restless: hold it still between its turns.
        """
        folder.mkdir(parents=True, exist_ok=True)
        # Whoever runs this with fewer threads for its own sake would hold our server to them too.
        own = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
        self._url = url
        self._output = folder / "output.txt"
        self._restless, self._stopped = restless, False
        _Signals.deferring = True
        try:
            with self._output.open("wb") as output:
                self._process = subprocess.Popen(
                    command,
                    cwd=folder,
                    env={**own, **environment},
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    stdin=subprocess.DEVNULL,
                    start_new_session=True,
                )
            atexit.register(self.close)
        finally:
            _Signals.deferring = False
        if _Signals.came is not None:
            raise SystemExit(128 + _Signals.came)

    def wait_ready(self, pause_seconds: float = 0.05) -> None:
        """Until its url answers.

        Raises:
            RuntimeError: if it ended, or takes too long.
        """
        until = time.monotonic() + _READY_SECONDS
        while time.monotonic() < until:
            if self._process.poll() is not None:
                break
            with contextlib.suppress(urllib.error.URLError, OSError):
                urllib.request.urlopen(self._url, timeout=5).close()  # noqa: S310 (our own server)
                return
            time.sleep(pause_seconds)
        raise RuntimeError(f"{self._process.args!r} is not ready: {self.output()[-3000:]}")

    def output(self) -> str:
        """What it has printed so far."""
        return self._output.read_text(encoding="utf-8", errors="replace")

    @property
    def pid(self) -> int:
        """Of the process that was started."""
        return self._process.pid

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """While it is asked for something."""
        self._go_on()
        try:
            yield
        finally:
            self.rest()

    def rest(self) -> None:
        """Until its next turn."""
        if self._restless and not self._stopped:
            self._signal(self._family(), signal.SIGSTOP)
            self._stopped = True

    def cpu_seconds(self) -> float:
        """That its processes have used, all together."""
        total = 0.0
        for process in self._family():
            with contextlib.suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                total += times.user + times.system
        return total

    def memory_mb(self) -> float:
        """Proportional set size of its processes: what they share is counted once."""
        total = 0
        for process in self._family():
            with contextlib.suppress(psutil.NoSuchProcess):
                total += process.memory_full_info().pss
        return total / 1e6

    def close(self) -> None:
        """End it and everything that it started, by force where it does not obey."""
        atexit.unregister(self.close)
        if self._process.returncode is not None:
            return
        self._go_on()
        family = self._family()
        self._signal(family[:1], signal.SIGTERM)
        _, left = psutil.wait_procs(family, _END_SECONDS)
        self._signal(left, signal.SIGKILL)
        psutil.wait_procs(left, _END_SECONDS)
        with contextlib.suppress(ProcessLookupError):  # whoever was started meanwhile
            os.killpg(self._process.pid, signal.SIGKILL)
        # Not for ever: a signal may have left the lock taken that guards the waiting.
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _go_on(self) -> None:
        if self._stopped:
            self._signal(self._family(), signal.SIGCONT)
            self._stopped = False

    def _family(self) -> list[psutil.Process]:
        """The process and all below it; some make process groups of their own."""
        try:
            first = psutil.Process(self._process.pid)
            return [first, *first.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    @staticmethod
    def _signal(processes: Sequence[psutil.Process], number: signal.Signals) -> None:
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(number)


def free_port() -> int:
    """One that nobody listens on at this moment."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def end_on_signals() -> None:
    """Let what ends this process unwind it, so that every server is ended first."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def leave(number: int, _: object) -> None:
        # A second one, which `timeout` sends at once, would break off the ending of the servers.
        for each in numbers:
            signal.signal(each, signal.SIG_IGN)
        if _Signals.deferring:
            _Signals.came = number
        else:
            raise SystemExit(128 + number)

    for number in numbers:
        signal.signal(number, leave)
