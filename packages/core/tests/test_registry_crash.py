"""Publishers that are killed, or whose disk is full, leave nothing that anybody sees."""

import itertools
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import registry_jobs
from mlopsproj_core import Bundle, seal_bundle
from mlopsproj_core.registry import Registry

pytestmark = pytest.mark.usefixtures("without_fsync")
POSIX_ONLY = pytest.mark.skipif(sys.platform == "win32", reason="no such limit on Windows")


@pytest.fixture
def large_bundle(slim_bundle, tmp_path):
    """Small files, and behind them, in the order of publication, one of 200 kB."""
    folder = tmp_path / "large"
    shutil.copytree(slim_bundle.path, folder)
    (folder / "reference.parquet").write_bytes(os.urandom(200_000))
    manifest = slim_bundle.manifest
    return seal_bundle(
        folder,
        name=manifest.name,
        classes=manifest.classes,
        image=manifest.image,
        metrics=manifest.metrics,
        data=manifest.data,
    )


def test_killed_at_any_step_leaves_no_half_version(forking, url, slim_bundle):
    registry = Registry(url)
    creations = 2 + len(slim_bundle.manifest.files)  # the claim, the files, the manifest
    for step in itertools.count(1):
        before = registry.versions("slim")
        job = forking.submit(registry_jobs.publish_and_die, url, slim_bundle.path, step)
        killed = job.result(timeout=60)
        after = registry.versions("slim")
        # A version of a publisher who died is there or is not; what is there is whole.
        assert after[: len(before)] == before
        assert len(after) <= len(before) + 1
        for version in registry.all_versions()[len(before) :]:
            registry.verify(version)
        assert registry.names() == (["slim"] if after else [])
        if not killed:
            assert len(after) == len(before) + 1
            break
        number = registry.publish(slim_bundle).number
        assert registry.versions("slim") == [*after, number]
    steps = step - 1
    on_folder = Path(url).is_absolute()
    # A folder is also left between draft, link and removal of every file.
    assert steps >= creations * (5 if on_folder else 2)
    assert on_folder or steps == creations * 2


def test_the_manifest_makes_a_version_visible(forking, bucket_url, slim_bundle):
    creations = 2 + len(slim_bundle.manifest.files)
    for step, visible in ((2 * creations - 1, []), (2 * creations, [1])):
        place = f"{bucket_url}-{step}"
        job = forking.submit(registry_jobs.publish_and_die, place, slim_bundle.path, step)
        assert job.result(timeout=60)
        assert Registry(place).versions("slim") == visible


@POSIX_ONLY
def test_files_that_may_not_grow_leave_nothing_visible(forking, large_bundle, tmp_path):
    url = str(tmp_path / "registry")
    kind, message = forking.submit(
        registry_jobs.publish_with_small_files_only, url, large_bundle.path, 100_000
    ).result(timeout=60)
    assert kind == "RegistryError"
    assert url in message
    assert "space" in message
    registry = Registry(url)
    assert registry.names() == []
    assert not list(Path(url).rglob(".*")), "the draft stayed behind"
    version = registry.publish(large_bundle)
    registry.verify(version)
    assert registry.names() == ["slim"]


@POSIX_ONLY
def test_cache_that_may_not_grow_keeps_no_half_file(forking, bucket_url, large_bundle, tmp_path):
    version = Registry(bucket_url).publish(large_bundle)
    cache = tmp_path / "cache"
    kind, message = forking.submit(
        registry_jobs.fetch_with_small_files_only, bucket_url, str(cache), version, 100_000
    ).result(timeout=60)
    assert kind == "RegistryError"
    assert "XDG_CACHE_HOME" in message
    assert str(cache) in message
    kept = {path.name for path in cache.rglob("*") if path.is_file()}
    assert "model.onnx" in kept
    assert kept.isdisjoint({"reference.parquet", "manifest.json"})
    Bundle.open(Registry(bucket_url, cache=cache).fetch(version)).verify()


FULL_DISK = """
import shutil, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
import registry_jobs
from mlopsproj_core.registry import Registry
url, bundle = sys.argv[1:]
print(registry_jobs._error_of(lambda: registry_jobs.publish(url, bundle))[1])
print(Registry(url).names())
for path in Path(url).rglob("versions/1/*"):
    shutil.rmtree(path) if path.is_dir() else path.unlink()
print(registry_jobs.publish(url, bundle), Registry(url).versions("slim"))
"""


def test_full_disk_is_one_clear_error_and_leaves_nothing_visible(large_bundle, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    enter = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
    mount = f'mount -t tmpfs -o size=300k none "{disk}"'
    try:
        subprocess.run([*enter, mount], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this system lets no user mount a small disk of their own")
    fill = f'head -c 150000 /dev/zero > "{disk}/versions-of-others"'
    script = FULL_DISK.format(tests=str(Path(__file__).parent)).replace(
        "for path in", f"Path({str(disk / 'versions-of-others')!r}).unlink()\nfor path in", 1
    )
    arguments = [script, str(disk / "registry"), str(large_bundle.path)]
    done = subprocess.run(
        [*enter, f'{mount} && {fill} && exec "$0" "$@"', sys.executable, "-c", *arguments],
        check=True,
        capture_output=True,
        text=True,
    )
    error, names, after = done.stdout.splitlines()
    assert "No space left on device" in error
    assert error.count("registry") >= 1
    assert names == "[]"
    assert after == "2 [2]"
    assert done.stderr == ""


@pytest.fixture
def public_folder():
    """A folder that every user of this machine can reach, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@POSIX_ONLY
def test_what_may_not_be_read_is_an_error_and_not_an_empty_registry(
    forking, slim_bundle, public_folder
):
    url = str(public_folder / "registry")
    Registry(url).publish(slim_bundle)
    closed = public_folder / "registry" / "slim"
    closed.chmod(0)
    try:
        errors = forking.submit(registry_jobs.list_as_nobody, url).result(timeout=60)
    finally:
        closed.chmod(0o755)
    for kind, message in errors:
        assert kind == "RegistryError"
        assert "Permission denied" in message


@POSIX_ONLY
def test_what_may_not_be_written_is_an_error(forking, slim_bundle, public_folder):
    bundle = public_folder / "bundle"
    shutil.copytree(slim_bundle.path, bundle)
    url = str(public_folder / "registry")
    Registry(url).publish(slim_bundle)
    (public_folder / "registry" / "slim" / "versions").chmod(0o555)
    kind, message = forking.submit(registry_jobs.publish_as_nobody, url, str(bundle)).result(
        timeout=60
    )
    assert kind == "RegistryError"
    assert "Permission denied" in message
    assert Registry(url).versions("slim") == [1]
