"""Runs one command in a folder, once for ever, whoever asks for it: a process of its own.

    python command_process.py FOLDER WORD…

It goes on by itself, in a session of its own, when whoever started it ends. In the folder:

    running.lock     held as long as the command runs, or what it left behind
    started          made before the command starts, which never starts again; holds the number of
                     the process group that it runs in
    log.txt          what the command says
    exit.json        how it ended: `{"code": …}`, negative for the signal that ended it

Imports nothing of this project. Knows nothing of what the command does.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

assert sys.platform != "win32"  # noqa: S101 (the setting is refused there)
import fcntl  # noqa: E402 (not on Windows)

NOT_FOUND = 127
"""The exit code of a command that cannot be started, as shells have it."""


def main(folder: Path, command: list[str]) -> None:
    """Begin a command in the background, unless it was begun before."""
    lock = _lock(folder)
    if lock is None or not _claim(folder):
        return
    if os.fork():  # the lock stays with the child
        return
    os.setsid()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):  # else whoever reads them would wait for the command
        os.dup2(nowhere, stream)
    (folder / "started").write_text(f"{os.getpid()}\n", encoding="utf-8")
    # Who ends the group ends the command; this process stays to say how.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    _write(folder / "exit.json", json.dumps({"code": _run(folder, command, lock)}))


def _lock(folder: Path) -> int | None:
    """The lock; None if the command was started by another process meanwhile."""
    handle = os.open(folder / "running.lock", os.O_RDWR | os.O_CREAT, 0o644)
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if (folder / "started").exists():
                return None
            time.sleep(0.02)
        else:
            return handle


def _claim(folder: Path) -> bool:
    try:
        (folder / "started").touch(exist_ok=False)
    except FileExistsError:
        return False
    _sync(folder)
    return True


def _run(folder: Path, command: list[str], lock: int) -> int:
    with (folder / "log.txt").open("ab") as log:
        try:
            process = subprocess.Popen(  # noqa: S603 (what the setting names)
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[lock],
                preexec_fn=_default_signals,  # noqa: PLW1509 (this process has one thread)
            )
        except OSError as error:
            log.write(f"{command[0]} cannot be started: {error.strerror}\n".encode())
            return NOT_FOUND
    return process.wait()


def _default_signals() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def _write(path: Path, text: str) -> None:
    draft = path.with_suffix(".draft")
    with draft.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    _sync(path.parent)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
