"""A copy of a registry is whole, at any time and after any interruption, or says what it is not."""

import itertools
import json
import re
import sys
import time
from pathlib import Path
from uuid import uuid4

import pytest
import registry_jobs
from mlopsproj_core.archive import back_up, restore
from mlopsproj_core.copy_mark import MARK, CopyMark
from mlopsproj_core.errors import ConfigError, NotFoundError, RegistryError
from mlopsproj_core.garbage import find_garbage, remove_garbage
from mlopsproj_core.manifest import MANIFEST
from mlopsproj_core.registry import ModelVersion, Registry
from mlopsproj_core.store import Store

pytestmark = pytest.mark.usefixtures("without_fsync")
COUNT = 3


@pytest.fixture
def target(url, tmp_path):
    """Another empty place, of the other kind than the first."""
    return f"memory://{uuid4().hex}" if url.startswith("gs://") else str(tmp_path / "backup")


@pytest.fixture
def registry(url, slim_bundle):
    """Three versions and a number that was only claimed; production was moved three times."""
    registry = Registry(url)
    for _ in range(4):
        registry.publish(slim_bundle)
    Store(url).remove(f"slim/versions/3/{MANIFEST}")
    for number in (1, 2, 1):
        registry.move_alias("slim", "production", number, actor="a", reason="r")
    registry.move_alias("slim", "candidate", 4, actor="a", reason="r")
    return registry


def content(url):
    store = Store(url)
    return {path: store.read(f"slim/{path}") for path in store.files("slim")}


def change(url, path, data):
    store = Store(url)
    store.remove(path)
    if data is not None:
        store.create(path, data)


def test_everything_is_copied_once_and_verified(registry, url, target, slim_bundle):
    told = []
    done = back_up(url, target, lambda passed, of: told.append((passed, of)))
    assert (done.versions, done.already) == (["slim:1", "slim:2", "slim:4"], [])
    assert (done.moves, done.left_out) == (4, {})
    mine, theirs = content(url), content(target)
    unfinished = [path for path in mine if path.startswith("versions/3/") and "claim" not in path]
    assert unfinished, "a publication that is not finished is nobody's version"
    assert theirs == {path: data for path, data in mine.items() if path not in unfinished}
    assert done.bytes == sum(map(len, theirs.values()))
    assert told == sorted(told)
    assert told[-1][0] <= told[-1][1]
    copy = Registry(target)
    for version in copy.all_versions():
        copy.verify(version)
    assert copy.history("slim", "production") == registry.history("slim", "production")
    assert copy.publish(slim_bundle).number == 5, "a number that was only claimed is not used"


def test_again_it_copies_what_is_new(registry, url, target, slim_bundle):
    first = back_up(url, target)
    again = back_up(url, target)
    assert (again.versions, again.moves, again.bytes) == ([], 0, 0)
    assert again.already == first.versions
    registry.publish(slim_bundle)
    registry.move_alias("slim", "production", 5, actor="a", reason="r")
    new = back_up(url, target)
    assert (new.versions, new.moves) == (["slim:5"], 1)
    assert Registry(target).resolve("slim").number == 5


def test_what_was_removed_stays_in_the_backup_and_its_number_is_known_in_a_new_one(
    registry, url, target, slim_bundle
):
    back_up(url, target)
    registry.move_alias("slim", "candidate", 1, actor="a", reason="r")
    registry.publish(slim_bundle)
    list(remove_garbage(registry, find_garbage(registry, registry_jobs.NO_AGE), actor="a"))
    assert registry.versions("slim") == [1, 2, 5]
    assert back_up(url, target).versions == ["slim:5"]
    assert Registry(target).versions("slim") == [1, 2, 4, 5]
    other = f"memory://{uuid4().hex}"
    back_up(url, other)
    with pytest.raises(NotFoundError, match="slim:4 any more, since it was removed"):
        Registry(other).resolve("slim:4")


def test_a_restored_registry_is_the_one_that_was_backed_up(registry, url, target, slim_bundle):
    back_up(url, target)
    place = f"memory://{uuid4().hex}"
    done = restore(target, place)
    assert done.versions == ["slim:1", "slim:2", "slim:4"]
    assert content(place) == content(target)
    assert restore(target, place).versions == [], "it is equal"
    Registry(place).publish(slim_bundle)
    with pytest.raises(
        RegistryError, match=r"holds slim/versions/5/\S+, which .* does not: restor"
    ):
        restore(target, place)


def test_a_registry_that_holds_another_model_is_not_restored_into(
    registry, url, target, own_bundle
):
    back_up(url, target)
    place = f"memory://{uuid4().hex}"
    Registry(place).publish(own_bundle)
    before = Store(place).files("")
    with pytest.raises(RegistryError, match="holds brightness/versions/1/claim, which"):
        restore(target, place)
    assert Store(place).files("") == before


@pytest.mark.parametrize(
    "path",
    [
        "slim/versions/2/claim",
        f"slim/versions/2/{MANIFEST}",
        "slim/versions/2/model.onnx",
        "slim/aliases/production/1.json",
        "slim/aliases/production/3.json",
    ],
)
def test_a_difference_is_named_and_nothing_overwritten(registry, url, target, path):
    back_up(url, target)
    change(target, path, b"something else")
    with pytest.raises(RegistryError) as caught:
        back_up(url, target)
    assert f"{target}/{path} is not what {url} holds" in str(caught.value)
    assert Store(target).read(path) == b"something else"
    change(target, path, None)
    back_up(url, target)
    assert Store(target).read(path) == Store(url).read(path)


def test_a_file_of_an_interrupted_copy_is_held_against_its_sha256(registry, url, target):
    back_up(url, target)
    Store(target).remove(f"slim/versions/2/{MANIFEST}")
    size = len(Store(url).read("slim/versions/2/model.onnx"))
    change(target, "slim/versions/2/model.onnx", bytes(size))
    with pytest.raises(RegistryError, match=r"slim/versions/2/model\.onnx is not what"):
        back_up(url, target)
    assert Registry(target).versions("slim") == [1, 4]


def test_another_registry_s_backup_is_not_added_to(registry, url, target, slim_bundle):
    other = f"memory://{uuid4().hex}"
    Registry(other).publish(slim_bundle)
    back_up(other, target)
    with pytest.raises(RegistryError, match="slim/versions/1/claim is not what"):
        back_up(url, target)


def test_moves_that_the_registry_has_not_are_named(registry, url, target):
    back_up(url, target)
    Registry(target).move_alias("slim", "production", 2, actor="a", reason="r")
    with pytest.raises(RegistryError, match=r"slim/aliases/production/4\.json is not what"):
        back_up(url, target)


def test_what_is_damaged_is_left_out_and_named_and_the_rest_is_copied(registry, url, target):
    change(url, "slim/versions/1/model.onnx", b"damaged")
    change(url, "slim/versions/2/reference.parquet", None)
    done = back_up(url, target)
    assert done.versions == ["slim:4"]
    assert set(done.left_out) == {"slim:1", "slim:2", "slim@production"}
    assert "model.onnx was changed" in done.left_out["slim:1"]
    assert "reference.parquet is missing" in done.left_out["slim:2"]
    assert "points at slim:1, which is not in" in done.left_out["slim@production"]
    copy = Registry(target)
    assert copy.versions("slim") == [4]
    assert list(copy.aliases("slim")) == ["candidate"]


def test_what_cannot_be_read_is_left_out(registry, url, target):
    change(url, f"slim/versions/4/{MANIFEST}", b"{")
    change(url, "slim/aliases/production/3.json", b"{}")
    done = back_up(url, target)
    assert set(done.left_out) == {"slim:4", "slim@production", "slim@candidate"}
    assert "manifest.json cannot be read" in done.left_out["slim:4"]


def test_a_version_of_another_release_is_copied(registry, url, target):
    manifest = json.loads(Store(url).read(f"slim/versions/4/{MANIFEST}"))
    manifest |= {"schema": 9, "new": True}
    change(url, f"slim/versions/4/{MANIFEST}", json.dumps(manifest).encode())
    assert "slim:4" in back_up(url, target).versions


def test_a_manifest_of_a_stranger_leads_nowhere_else(registry, url, target):
    manifest = json.loads(Store(url).read(f"slim/versions/4/{MANIFEST}"))
    manifest["files"]["../../../../secret"] = "0" * 64
    change(url, f"slim/versions/4/{MANIFEST}", json.dumps(manifest).encode())
    assert "no path inside" in back_up(url, target).left_out["slim:4"]


def test_nothing_is_no_backup(url, target):
    with pytest.raises(NotFoundError, match="holds no model: there is nothing to copy"):
        back_up(url, target)
    assert Store(target).files("") == []


def test_one_place_inside_the_other_is_refused(tmp_path, slim_bundle):
    place = str(tmp_path / "registry")
    Registry(place).publish(slim_bundle)
    for other in (place, f"{place}/", f"{place}/backup", str(tmp_path), f"file://{place}"):
        with pytest.raises(ConfigError, match="lie in one another"):
            back_up(place, other)
    with pytest.raises(ConfigError, match="lie in one another"):
        back_up("memory://a/b", "memory://a")
    with pytest.raises(ConfigError, match="lie in one another"):
        back_up("memory://a/b", "memory:///a/b/")
    back_up(place, f"{place}-backup")


def test_a_bucket_is_the_same_under_both_of_its_schemes(bucket_url, slim_bundle):
    Registry(bucket_url).publish(slim_bundle)
    with pytest.raises(ConfigError, match="lie in one another"):
        back_up(bucket_url, bucket_url.replace("gs://", "gcs://") + "/backup")


def test_what_is_damaged_of_moves_and_claims_is_not_spread(registry, url, target):
    change(url, "slim/aliases/production/1.json", b"\0" * 40)
    change(url, "slim/versions/2/claim", b"\0" * 40)
    change(url, "slim/versions/3/claim", b"{")
    done = back_up(url, target)
    assert done.versions == ["slim:1", "slim:2", "slim:4"]
    assert set(done.left_out) == {"slim:2", "slim:3", "slim@production"}
    assert "production/1.json cannot be read" in done.left_out["slim@production"]
    assert "2/claim cannot be read" in done.left_out["slim:2"]
    copy = Registry(target)
    assert [move.sequence for move in copy.history("slim", "production")] == [2, 3]
    assert not Store(target).exists("slim/versions/2/claim")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows links need a privilege")
@pytest.mark.parametrize("file", ["versions/2/claim", "versions/2/model.onnx", MANIFEST])
def test_a_link_leads_out_of_no_registry(slim_bundle, tmp_path, file):
    place, secret = tmp_path / "registry", tmp_path / "secret"
    for _ in range(2):
        Registry(str(place)).publish(slim_bundle)
    path = place / "slim" / (file if "/" in file else f"versions/2/{file}")
    secret.write_bytes(path.read_bytes())
    path.unlink()
    path.symlink_to(secret)
    done = back_up(str(place), target := str(tmp_path / "backup"))
    assert "is a link to what lies outside of" in done.left_out["slim:2"]
    assert not Store(target).exists(path.relative_to(place).as_posix())
    assert Registry(target).versions("slim")[:1] == [1]


def test_a_copy_that_did_not_end_is_not_taken_for_a_registry(registry, url, target, monkeypatch):
    """Its aliases come last: until then, `gc` would find nothing that is needed."""
    create = Store.create

    def create_until_aliases(store, path, data):
        if "/aliases/" in path:
            raise RegistryError("The disk is full.")
        create(store, path, data)

    with monkeypatch.context() as context:
        context.setattr(Store, "create", create_until_aliases)
        with pytest.raises(RegistryError, match="The disk is full"):
            restore(url, target)
    copy = Registry(target)
    assert copy.versions("slim") == [1, 2, 4]
    told = rf"is a copy of {re.escape(url)} that is not finished: .*run it again"
    with pytest.raises(RegistryError, match=told):
        find_garbage(copy, registry_jobs.NO_AGE)
    for command in (restore, back_up):
        with pytest.raises(RegistryError, match=told):
            command(target, f"memory://{uuid4().hex}")
    assert restore(url, target).moves == 4
    assert not Store(target).exists(MARK)
    garbage = find_garbage(copy, registry_jobs.NO_AGE).garbage
    assert [(g.version.number, g.kind) for g in garbage] == [(3, "unfinished")]
    restore(target, f"memory://{uuid4().hex}")


def test_garbage_is_not_removed_from_what_is_restored_since_it_was_found(
    registry, url, target, slim_bundle
):
    registry.publish(slim_bundle)
    back_up(url, target)
    survey = find_garbage(Registry(target), registry_jobs.NO_AGE)
    versions = Registry(target).versions("slim")
    CopyMark(Store(target), url).put()
    Store(target).remove("slim/aliases/production/3.json")
    with pytest.raises(RegistryError, match="that is not finished"):
        list(remove_garbage(Registry(target), survey, actor="a"))
    assert Registry(target).versions("slim") == versions


@pytest.mark.slow
def test_killed_at_any_step_the_next_goes_on(forking, url, registry, bucket_url, tmp_path):
    target = bucket_url + "-backup" if url.startswith("gs://") else str(tmp_path / "backup")
    back_up(url, whole := f"memory://{uuid4().hex}")
    for step in itertools.count(1):
        place = f"{target}-{step}"
        killed = forking.submit(registry_jobs.back_up_and_die, url, place, step).result(timeout=60)
        copy = Registry(place)
        versions = copy.versions("slim")
        # Without its mark, there is nothing yet, or all.
        assert Store(place).exists(MARK) or set(content(place)) in (set(), set(content(whole)))
        for number in versions:
            copy.verify(ModelVersion("slim", number))
        for move in copy.aliases("slim").values():
            assert move.version in versions
        restore(url, place)  # what is there is a part of it
        assert {p: d for p, d in content(place).items() if "/." not in p} == content(whole)
        assert not Store(place).exists(MARK)
        if not killed:
            break
    assert step > 2 * len(content(whole))


def test_a_registry_that_is_used_meanwhile_is_copied_consistently(
    workers, registry, slim_bundle, bucket_url, tmp_path
):
    url = registry.url
    target = f"{bucket_url}-backup" if url.startswith("gs://") else str(tmp_path / "backup")
    folder = tmp_path / "gate"
    folder.mkdir()
    gate, until = (str(folder), COUNT), str(tmp_path / "done")
    using = workers.submit(registry_jobs.publish_and_collect, url, slim_bundle.path, gate, 0, until)
    copying = workers.submit(registry_jobs.back_up_again, url, target, gate, 1, until)
    looking = workers.submit(registry_jobs.look_at, target, gate, 2, until)
    copy = Registry(target)
    deadline = time.monotonic() + registry_jobs.PATIENCE_SECONDS
    try:
        # Not a time, but a number of versions that come and go.
        while len(copy.versions("slim")) < 8:
            for job in (using, copying, looking):
                assert not job.done(), job.result()
            assert time.monotonic() < deadline
            time.sleep(0.02)
    finally:  # else they would go on for ever, and the pool wait for them
        Path(until).touch()
    using.result(timeout=60)
    assert copying.result(timeout=60) == {}
    assert looking.result(timeout=60) == []
    back_up(url, target)
    assert copy.resolve("slim@candidate") == registry.resolve("slim@candidate")
    for version in copy.all_versions():
        copy.verify(version)
