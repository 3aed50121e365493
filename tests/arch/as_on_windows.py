"""Make this process look like one on Windows, as far as Python code can tell: for tests only.

Third parties are imported before, as they are here; what is imported after finds no fork, no
`fcntl`, and none of the signals, locks and files' modes of POSIX. Paths stay those of this system.
"""

import asyncio
import importlib
import os
import pkgutil
import signal
import socket
import subprocess
import sys
import time
import types
from collections.abc import Iterator

import psutil

OF_TESTS = (
    *("gcsfs", "httpx", "hypothesis", "onnx", "psutil", "psycopg", "scipy", "sklearn", "yaml"),
)
ABSENT = ("fcntl", "grp", "pty", "pwd", "resource", "termios", "tty", "uvloop")
OF_OS = (
    *("O_DIRECTORY", "O_DSYNC", "chown", "fchmod", "fchown", "fdatasync", "fork", "forkpty"),
    *("geteuid", "getgid", "getloadavg", "getpgid", "getuid", "killpg", "link", "mkfifo", "nice"),
    *("posix_fallocate", "posix_spawn", "pread", "pwrite", "sched_getaffinity", "setpgid"),
    *("setpriority", "setsid", "statvfs", "sysconf", "umask", "wait", "wait4", "waitid"),
)
OF_SIGNAL = (
    *("SIGALRM", "SIGCHLD", "SIGHUP", "SIGKILL", "SIGPIPE", "SIGQUIT", "SIGSTOP", "SIGUSR1"),
    *("SIGCONT", "SIGTSTP", "pthread_sigmask", "sigwait", "setitimer"),
)


def modules_of(packages: list[str]) -> Iterator[str]:
    """Every module below some packages but those that do something when they are imported."""
    for package in packages:
        yield package
        path = importlib.import_module(package).__path__
        for found in pkgutil.walk_packages(path, f"{package}."):
            if "migrations" not in found.name and not found.name.endswith("__main__"):
                yield found.name


def import_third_parties(modules: list[str]) -> None:
    """Import modules as they are here, and forget all of ours, but not what they imported."""
    for name in modules:
        importlib.import_module(name)
    for name in list(sys.modules):
        if name.startswith("mlopsproj_"):
            del sys.modules[name]


def pretend() -> None:
    """Look like Windows from now on."""
    locks = sys.modules.get("fcntl") or importlib.import_module("fcntl")
    for name in OF_OS:
        if hasattr(os, name) and name != "link":  # hard links are there
            delattr(os, name)
    for name in OF_SIGNAL:
        delattr(signal, name)
    asyncio.ProactorEventLoop = asyncio.SelectorEventLoop
    signal.SIGBREAK = signal.SIGUSR2
    subprocess.CREATE_NEW_PROCESS_GROUP = 0x200
    socket.SO_EXCLUSIVEADDRUSE = socket.SO_REUSEADDR
    del socket.SO_REUSEADDR
    for name in ("send_fds", "recv_fds"):
        delattr(socket, name)
    psutil.Process.num_handles = psutil.Process.num_fds
    del psutil.Process.num_fds
    for name in ("clock_gettime", "pthread_getcpuclockid", "tzset"):
        delattr(time, name)
    for name in ABSENT:
        sys.modules[name] = None  # an import of it fails
    sys.modules["msvcrt"] = _msvcrt(locks)
    sys.platform = "win32"


def _msvcrt(locks: types.ModuleType) -> types.ModuleType:
    """Locks files as that module does, and tells which byte it was told to lock last."""
    module = types.ModuleType("msvcrt")
    module.LK_NBLCK = locks.LOCK_EX | locks.LOCK_NB
    module.byte = None

    def locking(file: int, mode: int, count: int) -> None:
        locks.flock(file, mode)
        module.byte = os.lseek(file, 0, os.SEEK_CUR)

    module.locking = locking
    return module


def main(packages: list[str]) -> None:
    """Import everything as on Windows; say what cannot be imported, a line each."""
    modules = list(modules_of(packages))
    import_third_parties(modules)
    pretend()
    for name in modules:
        try:
            importlib.import_module(name)
        except Exception as error:  # noqa: BLE001 (whatever it is, it is told)
            sys.stdout.write(f"{name}: {type(error).__name__}: {error}\n")


def pytest_configure() -> None:
    """Collect tests as on Windows (`-p as_on_windows`), of the packages in its variable."""
    import_third_parties([*modules_of(os.environ["AS_ON_WINDOWS"].split()), *OF_TESTS])
    pretend()


if __name__ == "__main__":
    main(sys.argv[1:])
