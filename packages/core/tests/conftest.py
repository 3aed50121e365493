"""A small bundle, a real emulator of an object store, and processes that work beside the test."""

import multiprocessing
import os
import shutil
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
from mlopsproj_core import Bundle, ImageSpec, seal_bundle
from mlopsproj_core.bundle import REQUIRED
from mlopsproj_core.manifest import DataSummary
from object_store import emulator as running_emulator
from object_store import reach_emulator
from small_bundle import make_small_bundle

WORKERS = 16

# Other processes import `registry_jobs` from here.
sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def small_bundle(tmp_path_factory):
    """A complete bundle, which no test may change."""
    return make_small_bundle(tmp_path_factory.mktemp("bundle") / "bundle")


@pytest.fixture
def own_bundle(small_bundle, tmp_path):
    """A complete bundle that the test may change."""
    shutil.copytree(small_bundle.path, tmp_path / "own-bundle")
    return Bundle.open(tmp_path / "own-bundle")


@pytest.fixture(scope="session")
def emulator(tmp_path_factory):
    """Google Cloud Storage as this machine can have it, with one empty bucket."""
    with running_emulator(tmp_path_factory.mktemp("emulator")) as found:
        yield found


@pytest.fixture
def without_fsync(monkeypatch):
    """Waits for no disk: only a power cut tells the difference, and no test cuts the power."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.fixture(params=["folder", "object-store"])
def url(request, tmp_path):
    """An empty registry: once a folder, once a prefix of a bucket."""
    if request.param == "folder":
        return str(tmp_path / "registry")
    return request.getfixturevalue("bucket_url")


@pytest.fixture
def bucket_url(emulator):
    return emulator.new_prefix()


def pool(count, method, emulator):
    """Processes that share nothing with this one; forked ones have imported what they need.

    What forks may have been started by an earlier test, which knew of no emulator.
    """
    context = multiprocessing.get_context(method)
    context.set_forkserver_preload(["pytest", "gcsfs", "mlopsproj_core.registry"])
    return ProcessPoolExecutor(
        count, context, initializer=reach_emulator, initargs=(emulator.address,)
    )


@pytest.fixture(
    scope="session",
    params=[
        pytest.param(
            "forkserver",
            marks=pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork"),
        ),
        pytest.param("spawn", marks=pytest.mark.slow),
    ],
)
def workers(emulator, request):
    """Sixteen processes that share nothing with this one, nor with each other."""
    with pool(WORKERS, request.param, emulator) as processes:
        yield processes


@pytest.fixture(scope="session")
def forking(emulator):
    """One process that may fork children to their death: it never opens a store itself."""
    if not hasattr(os, "fork"):
        pytest.skip("this system has no fork")
    with pool(1, "forkserver", emulator) as processes:
        yield processes


@pytest.fixture(scope="session")
def slim_bundle(tmp_path_factory):
    """The fewest files that make a bundle: it can be published, not served."""
    folder = tmp_path_factory.mktemp("slim") / "bundle"
    for file in REQUIRED:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(f"content of {file}")
    return seal_bundle(
        folder,
        name="slim",
        classes=("dark", "bright"),
        image=ImageSpec(height=28, width=28, channels=1),
        metrics={},
        data=DataSummary(name="slim", fingerprint="0" * 64, counts={}),
    )
