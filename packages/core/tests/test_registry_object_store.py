"""What is particular where the registry lies elsewhere: copies, and the price of a request."""

import shutil
from pathlib import Path
from uuid import uuid4

import pytest
from mlopsproj_core import Bundle
from mlopsproj_core.errors import BundleCorruptError, RegistryError
from mlopsproj_core.registry import ModelVersion, Registry


@pytest.fixture
def registry(bucket_url, tmp_path):
    return Registry(bucket_url, cache=tmp_path / "cache")


@pytest.fixture
def requests(registry, monkeypatch):
    """Every request that is sent from now on."""
    system = registry._store._files._system
    sent, send = [], system._call

    async def call(method, path, *arguments, **settings):
        sent.append(f"{method} {path}")
        return await send(method, path, *arguments, **settings)

    monkeypatch.setattr(system, "_call", call)
    return sent


def overwrite(registry, path, data):
    files = registry._store._files
    files._system.pipe_file(f"{files._root}/{path}", data)


def count(requests, task):
    requests.clear()
    task()
    return len(requests)


def test_requests_do_not_grow_with_versions_and_moves(registry, requests, slim_bundle):
    def costs():
        return {
            "names": count(requests, registry.names),
            "versions": count(requests, lambda: registry.versions("slim")),
            "by alias": count(requests, lambda: registry.resolve("slim@production")),
            "aliases": count(requests, lambda: registry.aliases("slim")),
        }

    def publish():
        number = registry.publish(slim_bundle).number
        registry.move_alias("slim", "production", number, actor="a", reason="r")

    publish()
    few = costs()
    for _ in range(4):
        publish()
    assert costs() == few
    assert few == {"names": 2, "versions": 1, "by alias": 2, "aliases": 3}
    # gcsfs looks for a file and for a folder at once, and drops the slower question.
    assert count(requests, lambda: registry.resolve("slim:1")) <= 3


def test_a_copy_is_fetched_once(registry, requests, small_bundle):
    version = registry.publish(small_bundle)
    files = len(small_bundle.manifest.files)
    folder = registry.fetch(version)
    requests.clear()
    assert registry.fetch(version) == folder
    assert len(requests) == 1, "the manifest only"
    shutil.rmtree(folder)
    assert count(requests, lambda: registry.fetch(version)) == 1 + files
    Bundle.open(folder).verify()


def test_a_damaged_copy_is_mended(registry, requests, small_bundle):
    version = registry.publish(small_bundle)
    folder = registry.fetch(version)
    (folder / "model.onnx").write_bytes(b"damaged")
    (folder / "manifest.json").write_bytes(b"{")
    (folder / "model_card.md").unlink()
    assert count(requests, lambda: registry.fetch(version)) == 3
    Bundle.open(folder).verify()


def test_a_download_that_is_not_what_the_manifest_says_is_not_kept(registry, small_bundle):
    version = registry.publish(small_bundle)
    overwrite(registry, "brightness/versions/1/model.onnx", b"damaged")
    with pytest.raises(BundleCorruptError, match=r"model\.onnx of brightness .*registry verify"):
        registry.fetch(version)
    kept = {path.name for path in registry._cache.rglob("*")}
    assert kept.isdisjoint({"model.onnx", "manifest.json"})
    overwrite(
        registry,
        "brightness/versions/1/model.onnx",
        (small_bundle.path / "model.onnx").read_bytes(),
    )
    Bundle.open(registry.fetch(version)).verify()


def test_a_file_that_is_missing_is_named(registry, small_bundle):
    version = registry.publish(small_bundle)
    files = registry._store._files
    files._system.rm_file(f"{files._root}/brightness/versions/1/reference.parquet")
    with pytest.raises(RegistryError, match=r"brightness:1 in gs://.* lacks reference\.parquet"):
        registry.fetch(version)


def test_another_bundle_under_the_same_address_is_not_taken_for_the_first(
    own_bundle, small_bundle, slim_bundle, tmp_path
):
    """A registry in memory, or a bucket that was made anew, begins again at 1."""
    cache, url = tmp_path / "cache", f"memory://{uuid4().hex}"
    first = Registry(url, cache=cache)
    folder = first.fetch(first.publish(small_bundle))
    first._store._files._system.store.clear()
    first._store._files._system.pseudo_dirs[:] = [""]
    manifest = (own_bundle.path / "manifest.json").read_text()
    (own_bundle.path / "manifest.json").write_text(manifest.replace("accuracy", "precision"))
    second = Registry(url, cache=cache)
    version = second.publish(Bundle.open(own_bundle.path))
    assert version == ModelVersion("brightness", 1)
    assert "precision" in Bundle.open(second.fetch(version)).manifest.metrics
    assert "accuracy" in Bundle.open(folder).manifest.metrics


def test_copies_are_kept_in_the_user_s_cache(bucket_url, slim_bundle, tmp_path, monkeypatch):
    version = Registry(bucket_url).publish(slim_bundle)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert tmp_path / "xdg" / "mlopsproj" in Registry(bucket_url).fetch(version).parents
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    cache = tmp_path / "home" / ".cache" / "mlopsproj" / "registry"
    assert cache in Registry(bucket_url).fetch(version).parents


def test_a_user_without_a_home_is_told_what_to_set(bucket_url, slim_bundle, monkeypatch):
    version = Registry(bucket_url).publish(slim_bundle)

    def home():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", home)
    with pytest.raises(RegistryError, match="set XDG_CACHE_HOME"):
        Registry(bucket_url).fetch(version)


def test_a_cache_that_cannot_be_written_is_named(bucket_url, slim_bundle, tmp_path):
    (tmp_path / "cache").write_bytes(b"a file")
    registry = Registry(bucket_url, cache=tmp_path / "cache")
    version = registry.publish(slim_bundle)
    with pytest.raises(RegistryError, match=r"kept in .*cache.*XDG_CACHE_HOME"):
        registry.fetch(version)
