"""Runs the checks side by side, each in a process of its own that is ended when it stays silent.

So that one that hangs, or takes its process down, leaves its and the others' answers. Knows nothing
of what they look at.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from queue import Empty, SimpleQueue
from typing import Final

from mlopsproj_doctor.check_process import DONE, FOLDER
from mlopsproj_doctor.checks import Check
from mlopsproj_doctor.concealment import Secrets
from mlopsproj_doctor.findings import Finding, State, fail, warn

START_SECONDS: Final = 60.0
"""For a process to begin: on a busy machine, Python alone takes its time."""

ENDING_SECONDS: Final = 1.0
"""For a process to end; one that the kernel does not let go is left behind."""


@dataclass(frozen=True, slots=True)
class Group:
    """A check and what it found."""

    name: str
    findings: tuple[Finding, ...]


def examine(checks: Sequence[Check], timeout_seconds: float | None = None) -> list[Group]:
    """Run checks; returns when each has ended, or has been silent for too long.

    Args:
        checks: that are run.
        timeout_seconds: that each may be silent; its own unless given.
    """
    secrets = Secrets(os.environ)
    with (
        _temporary(checks) as environment,
        ThreadPoolExecutor(max_workers=max(1, len(checks))) as pool,
    ):
        processes = _Processes(environment)
        try:
            running: dict[str, Future[list[Finding]]] = {}
            for check in checks:
                seconds = timeout_seconds or check.seconds
                needed = running.get(check.needs) if check.needs else None
                running[check.name] = pool.submit(_run, check, seconds, needed, processes)
            return [
                Group(name, tuple(_readable(finding, secrets) for finding in future.result()))
                for name, future in running.items()
            ]
        except KeyboardInterrupt:
            processes.end()  # else the pool would wait for them
            raise


@contextmanager
def _temporary(checks: Sequence[Check]) -> Iterator[dict[str, str]]:
    """The environment of checks; it names a folder that goes with this process, not with theirs."""
    environment = dict(os.environ)
    environment.pop(FOLDER, None)
    if not any(check.is_slow for check in checks):
        yield environment
        return
    try:
        folder = tempfile.TemporaryDirectory(prefix="doctor-", ignore_cleanup_errors=True)
    except OSError:  # the check that needs one says so
        yield environment
        return
    with folder as path:
        yield {**environment, FOLDER: path}


class _Processes:
    """Those of the checks, which end together when somebody interrupts."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._started: list[subprocess.Popen[bytes]] = []
        self._is_over = False
        self._lock = threading.Lock()

    def start(self, command: Sequence[str]) -> "subprocess.Popen[bytes] | None":
        """Start one; None once they were ended."""
        with self._lock:
            if self._is_over:
                return None
            process = subprocess.Popen(  # noqa: S603 (this package's own module)
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=self._environment,
            )
            self._started.append(process)
            return process

    def end(self) -> None:
        """End all, by force where they do not end by themselves; no other begins."""
        with self._lock:
            self._is_over = True
        for process in self._started:
            process.terminate()
        until = time.monotonic() + ENDING_SECONDS
        for process in self._started:
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, until - time.monotonic()))
            process.kill()  # nothing, if it has ended


def _run(
    check: Check,
    seconds: float,
    needed: "Future[list[Finding]] | None",
    processes: _Processes,
) -> list[Finding]:
    if needed and any(_is_about_all(finding, check.needs) for finding in needed.result()):
        return [warn(check.name, f"Not looked at, since the {check.needs} cannot be.")]
    command = [sys.executable, "-P", "-m", "mlopsproj_doctor.check_process", check.name]
    try:
        process = processes.start(command)
    except OSError as error:
        return [fail(check.name, f"The check cannot be started: {error}")]
    if process is None:
        return []
    try:
        return list(_heard(check, seconds, process))
    finally:
        _end(process)


def _heard(check: Check, seconds: float, process: subprocess.Popen[bytes]) -> Iterator[Finding]:
    """What a check's process says, up to its last word or until it has been silent for long."""
    lines: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_read, args=(process, lines), daemon=True).start()
    patience = START_SECONDS
    last = ""
    while True:
        try:
            line = lines.get(timeout=patience)
        except Empty:
            yield fail(check.name, f"No answer within {patience:g} seconds.", check.mend)
            return
        patience = seconds
        text = line.decode(errors="replace").strip()
        if text == DONE:
            return
        if not line:
            yield _died(check.name, process, last)
            return
        finding = _parsed(line)
        if finding:
            yield finding
        elif text:
            last = text


def _read(process: subprocess.Popen[bytes], lines: "SimpleQueue[bytes]") -> None:
    if process.stdout:
        for line in process.stdout:
            lines.put(line)
    lines.put(b"")


def _is_about_all(finding: Finding, group: str | None) -> bool:
    """Whether a whole group failed, rather than one thing in it."""
    return finding.state is State.FAIL and finding.name == group


def _end(process: subprocess.Popen[bytes]) -> None:
    """Let a process end, by force if it does not by itself."""
    for step in (process.poll, process.terminate, process.kill):
        step()
        with suppress(subprocess.TimeoutExpired):
            process.wait(ENDING_SECONDS)
            return


def _parsed(line: bytes) -> Finding | None:
    """None for what is no finding, e.g. what a library has printed."""
    try:
        told = json.loads(line)
        return Finding(**{**told, "state": State(told["state"])})
    except (ValueError, TypeError, KeyError):
        return None


def _died(name: str, process: subprocess.Popen[bytes], last: str) -> Finding:
    with suppress(subprocess.TimeoutExpired):
        process.wait(ENDING_SECONDS)
    code = process.returncode
    if code is not None and code < 0:
        with suppress(ValueError):
            return fail(
                name,
                f"The check's process was ended by {signal.Signals(-code).name}.",
                "SIGILL: a package was built for another CPU. SIGKILL: the memory may not suffice.",
            )
    return fail(name, f"The check's process ended with {code}: {last}")


def _readable(finding: Finding, secrets: Secrets) -> Finding:
    """The same without secrets, in one line, as any terminal can show it."""
    return replace(
        finding,
        name=_printable(secrets.hide(finding.name)),
        text=_printable(secrets.hide(finding.text)),
        mend=_printable(secrets.hide(finding.mend)),
    )


def _printable(text: str) -> str:
    line = " ".join(text.split())
    return "".join(
        character if character.isprintable() else ascii(character)[1:-1] for character in line
    )
