"""What is needed stays, whatever happens meanwhile; what is not goes, however often it is tried."""

import itertools
import json
import shutil
from concurrent.futures import wait
from datetime import UTC, datetime, timedelta

import pytest
import registry_jobs
from mlopsproj_core import Bundle
from mlopsproj_core.errors import NotFoundError, RegistryError
from mlopsproj_core.garbage import find_garbage, remove_garbage
from mlopsproj_core.manifest import MANIFEST
from mlopsproj_core.registry import ModelVersion, Registry
from mlopsproj_core.store import Store

pytestmark = pytest.mark.usefixtures("without_fsync")
ANY_AGE = timedelta(0)
MONTH = timedelta(days=30)
COUNT = 8


@pytest.fixture
def registry(url, tmp_path):
    return Registry(url, cache=tmp_path / "cache")


@pytest.fixture
def publish(registry, slim_bundle, tmp_path):
    """Makes a version; keywords are put into its manifest."""
    folders = (tmp_path / f"made-{number}" for number in itertools.count())

    def make(**values):
        folder = next(folders)
        shutil.copytree(slim_bundle.path, folder)
        manifest = json.loads((folder / MANIFEST).read_bytes())
        (folder / MANIFEST).write_text(json.dumps({**manifest, **values}))
        return registry.publish(Bundle.open(folder))

    return make


def move(registry, alias, *numbers):
    for number in numbers:
        registry.move_alias("slim", alias, number, actor="a", reason="r")


def make_old(store, number, days, name="slim"):
    """As if a number had been taken some days ago."""
    path = f"{name}/versions/{number}/claim"
    claim = json.loads(store.read(path))
    claim["time"] = (datetime.now(UTC) - timedelta(days=days)).isoformat()
    store.remove(path)
    store.create(path, json.dumps(claim).encode())


def garbage_of(registry, older_than=ANY_AGE):
    return [str(garbage.version) for garbage in find_garbage(registry, older_than).garbage]


def collect(registry, older_than=ANY_AGE):
    survey = find_garbage(registry, older_than)
    return [str(garbage.version) for garbage in remove_garbage(registry, survey, actor="Ada")]


def test_a_registry_without_versions_has_no_garbage(registry):
    survey = find_garbage(registry, ANY_AGE)
    assert (survey.garbage, survey.kept, survey.unreadable) == ((), {}, {})


def test_what_nobody_needs_goes_and_the_rest_is_whole(registry, publish):
    for _ in range(6):
        publish()
    move(registry, "production", 1, 3)
    move(registry, "candidate", 2, 4)
    survey = find_garbage(registry, ANY_AGE)
    assert [str(garbage.version) for garbage in survey.garbage] == ["slim:2", "slim:5"]
    assert {str(version): why for version, why in survey.kept.items()} == {
        "slim:1": "rollback of production",
        "slim:3": "production",
        "slim:4": "candidate",
        "slim:6": "newest",
    }
    assert registry.versions("slim") == [1, 2, 3, 4, 5, 6], "looking changes nothing"
    files = Store(registry.url).sizes("slim/versions/2")
    assert survey.garbage[0].bytes == sum(files.values()) - files["claim"]
    assert survey.garbage[0].kind == "version"
    assert collect(registry) == ["slim:2", "slim:5"]
    assert registry.versions("slim") == [1, 3, 4, 6]
    for version in registry.all_versions():
        registry.verify(version)
    assert collect(registry) == []
    left = Store(registry.url).files("slim")
    assert [path for path in left if path.startswith(("removed/2", "versions/2/"))] == [
        "removed/2.json",
        "versions/2/claim",
    ]
    assert not [path for path in left if path.startswith(("moving", "removing"))]


def test_a_number_is_never_taken_again(registry, publish, slim_bundle):
    for _ in range(3):
        publish()
    # The newest is always kept; somebody removed its manifest by hand.
    Store(registry.url).remove(f"slim/versions/3/{MANIFEST}")
    assert collect(registry) == ["slim:1", "slim:3"]
    assert registry.versions("slim") == [2]
    assert registry.publish(slim_bundle).number == 4


def test_who_asks_for_a_removed_version_is_told_so(registry, publish):
    for _ in range(2):
        publish()
    collect(registry)
    with pytest.raises(NotFoundError, match=r"no slim:1 any more, since it was removed, in .*: 2"):
        registry.resolve("slim:1")
    with pytest.raises(NotFoundError, match=r"no slim:1 any more"):
        move(registry, "production", 1)
    told = json.loads(Store(registry.url).read("slim/removed/1.json"))
    assert told["actor"] == "Ada"
    assert datetime.fromisoformat(told["time"]) <= datetime.now(UTC)


def test_only_what_is_old_goes(registry, publish):
    for _ in range(4):
        publish()
    store = Store(registry.url)
    make_old(store, 1, days=31)
    make_old(store, 2, days=29)
    store.remove("slim/versions/3/claim")
    survey = find_garbage(registry, MONTH)
    assert [str(garbage.version) for garbage in survey.garbage] == ["slim:1"]
    kept = {version.number: why for version, why in survey.kept.items()}
    assert kept == {2: "young", 3: "of unknown age", 4: "newest"}
    assert collect(registry, MONTH) == ["slim:1"]
    assert collect(registry) == ["slim:2"]


def test_what_others_were_made_from_stays(registry, publish):
    publish()
    publish(parent="slim:1")
    publish(parent="slim:2")
    publish()
    publish(parent="slim:99")
    publish(parent="gone")
    publish(parent="slim:98")
    move(registry, "production", 3)
    survey = find_garbage(registry, ANY_AGE)
    assert {version.number: why for version, why in survey.kept.items()} == {
        1: "parent of slim:2",
        2: "parent of slim:3",
        3: "production",
        7: "newest",
    }
    assert collect(registry) == ["slim:4", "slim:5", "slim:6"]


def test_a_parent_of_another_model_and_of_an_unreadable_child_stays(registry, publish):
    publish(name="teacher")
    publish(name="teacher")
    publish(parent="teacher:1", schema=1)
    store = Store(registry.url)
    text = json.loads(store.read(f"slim/versions/1/{MANIFEST}"))
    store.remove(f"slim/versions/1/{MANIFEST}")
    store.create(f"slim/versions/1/{MANIFEST}", json.dumps({**text, "schema": 9}).encode())
    assert garbage_of(registry) == []


def test_a_child_that_goes_keeps_no_parent(registry, publish):
    publish()
    publish(parent="slim:1")
    publish()
    assert collect(registry) == ["slim:1", "slim:2"]


def test_versions_that_were_rolled_back_from_go(registry, publish):
    for _ in range(4):
        publish()
    move(registry, "production", 1, 2, 3)
    registry.rollback("slim", "production", actor="a", reason="r")
    assert garbage_of(registry) == ["slim:3"]


def test_a_publication_that_nobody_finished_goes_when_it_is_old(registry, publish, slim_bundle):
    publish()
    store = Store(registry.url)
    publish()
    store.remove(f"slim/versions/2/{MANIFEST}")
    assert garbage_of(registry, MONTH) == []
    make_old(store, 2, days=31)
    survey = find_garbage(registry, MONTH)
    assert [(g.version.number, g.kind) for g in survey.garbage] == [(2, "unfinished")]
    assert collect(registry, MONTH) == ["slim:2"]
    assert store.files("slim/versions/2") == ["claim"]
    assert registry.publish(slim_bundle).number == 3


def test_who_publishes_while_it_is_removed_is_told(registry, publish, slim_bundle, monkeypatch):
    publish()
    create = Store.create

    def create_and_collect(store, path, data):
        create(store, path, data)
        if path.endswith("2/evaluation.parquet"):
            monkeypatch.undo()
            assert collect(Registry(registry.url)) == ["slim:2"]

    monkeypatch.setattr(Store, "create", create_and_collect)
    with pytest.raises(RegistryError, match=r"slim:2 was taken for .* publish it again"):
        registry.publish(slim_bundle)
    assert registry.versions("slim") == [1]
    assert registry.publish(slim_bundle).number == 3
    assert collect(registry) == ["slim:1", "slim:2"], "what it wrote since goes as well"
    assert Store(registry.url).files("slim/versions/2") == ["claim"]


def test_a_publication_that_ends_while_it_is_removed_stays(registry, publish, monkeypatch):
    for _ in range(2):
        publish()
    store = Store(registry.url)
    manifest = store.read(f"slim/versions/2/{MANIFEST}")
    store.remove(f"slim/versions/2/{MANIFEST}")
    survey = find_garbage(registry, ANY_AGE)
    assert [str(garbage.version) for garbage in survey.garbage] == ["slim:2"]
    store.create(f"slim/versions/2/{MANIFEST}", manifest)
    assert list(remove_garbage(registry, survey, actor="a")) == []
    registry.verify(ModelVersion("slim", 2))
    assert store.files("slim/removed") == []


def test_an_alias_that_cannot_be_read_protects_its_model_only(registry, publish):
    for name in ("slim", "other"):
        for _ in range(2):
            publish(name=name)
    Store(registry.url).create("slim/aliases/shadow/1.json", b"{")
    survey = find_garbage(registry, ANY_AGE)
    assert [str(garbage.version) for garbage in survey.garbage] == ["other:1"]
    assert list(survey.unreadable) == ["slim"]
    assert "slim/aliases/shadow/1.json" in survey.unreadable["slim"]


def test_what_is_needed_since_the_survey_stays(registry, publish):
    for _ in range(4):
        publish()
    publish(parent="slim:2")
    survey = find_garbage(registry, ANY_AGE)
    move(registry, "production", 1)
    move(registry, "shadow", 5)
    removed = remove_garbage(registry, survey, actor="a")
    assert [str(garbage.version) for garbage in removed] == ["slim:3", "slim:4"]


def test_a_move_and_a_removal_of_the_same_version_see_each_other(registry, publish, monkeypatch):
    for _ in range(2):
        publish()
    survey = find_garbage(registry, ANY_AGE)
    remove = Store.remove

    def remove_after_a_move(store, path):
        if path.endswith(f"versions/1/{MANIFEST}"):
            with pytest.raises(RegistryError, match=r"slim:1 in .* is being removed"):
                move(Registry(registry.url), "production", 1)
        remove(store, path)

    monkeypatch.setattr(Store, "remove", remove_after_a_move)
    assert [str(g.version) for g in remove_garbage(registry, survey, actor="a")] == ["slim:1"]
    assert registry.history("slim", "production") == []


def test_the_copy_on_this_machine_goes_too(emulator, slim_bundle, tmp_path):
    registry = Registry(emulator.new_prefix(), cache=tmp_path / "cache")
    for version in [registry.publish(slim_bundle) for _ in range(2)]:
        registry.fetch(version)
    (copy,) = (tmp_path / "cache" / "slim").iterdir()  # they are the same bundle
    assert collect(registry) == ["slim:1"]
    assert not copy.exists()
    assert registry.fetch(ModelVersion("slim", 2)) == copy


@pytest.mark.slow
def test_killed_at_any_step_it_is_ended_by_the_next(forking, url, slim_bundle):
    for step in itertools.count(1):
        place = f"{url}-{step}"
        registry, store = Registry(place), Store(place)
        for _ in range(3):
            registry.publish(slim_bundle)
        store.remove(f"slim/versions/1/{MANIFEST}")
        move(registry, "production", 3)
        killed = forking.submit(registry_jobs.collect_and_die, place, step).result(timeout=60)
        # What is there is whole, and what is needed is there.
        for version in registry.all_versions():
            registry.verify(version)
        collect(registry)
        assert registry.versions("slim") == [3]
        assert registry.resolve("slim").number == 3
        for number in (1, 2):
            assert store.files(f"slim/versions/{number}") == ["claim"]
            assert store.exists(f"slim/removed/{number}.json")
        if not killed:
            break
    assert step > 2 * (2 * len(slim_bundle.manifest.files) + 4)


def test_aliases_that_move_meanwhile_never_lose_their_version(workers, url, slim_bundle, tmp_path):
    registry = Registry(url)
    for _ in range(24):
        registry.publish(slim_bundle)
    folder = tmp_path / "gate"
    folder.mkdir()
    gate, until = (str(folder), COUNT), tmp_path / "done"
    collectors = [
        workers.submit(registry_jobs.collect, url, gate, worker, str(until)) for worker in range(2)
    ]
    movers = [
        workers.submit(registry_jobs.move_about, url, gate, worker, 10)
        for worker in range(2, COUNT)
    ]
    try:
        wait(movers, timeout=200)
    finally:  # else the collectors would go on for ever, and the pool wait for them
        until.touch()
    answers = [mover.result(timeout=60) for mover in movers]
    gone = {version for collector in collectors for version in collector.result(timeout=60)}
    assert any(moved for moved, _ in answers)
    assert gone
    versions = set(registry.versions("slim"))
    assert versions.isdisjoint(int(version.split(":")[1]) for version in gone)
    # Everything that an alias ever pointed at may be rolled back to.
    assert {number for moved, _ in answers for number in moved} <= versions
    for number in versions:
        registry.verify(ModelVersion("slim", number))


def test_two_that_remove_it_lose_no_publication_that_ends_meanwhile(
    registry, publish, slim_bundle, monkeypatch
):
    """One finds the manifest and steps back; the other looked just before it came."""
    publish()
    publish()
    store = Store(registry.url)
    manifest = store.read(f"slim/versions/2/{MANIFEST}")
    store.remove(f"slim/versions/2/{MANIFEST}")
    survey = find_garbage(registry, ANY_AGE)
    create = Store.create

    def create_and_publish(self, path, data):
        create(self, path, data)
        if path == "slim/removed/2.json":
            create(self, f"slim/versions/2/{MANIFEST}", manifest)

    with monkeypatch.context() as context:
        context.setattr(Store, "create", create_and_publish)
        assert list(remove_garbage(registry, survey, actor="a")) == []
    # The publisher, which comes now, must still find what was said to it.
    assert store.exists("slim/removed/2.json")
    registry.verify(ModelVersion("slim", 2))


def test_a_publication_that_ends_between_two_listings_is_not_half_removed(registry, publish):
    publish()
    publish()
    store = Store(registry.url)
    store.create("slim/removed/2.json", b"{}")
    manifest = store.read(f"slim/versions/2/{MANIFEST}")
    store.remove(f"slim/versions/2/{MANIFEST}")
    survey = find_garbage(registry, ANY_AGE)
    assert [(g.version.number, g.kind) for g in survey.garbage] == [(2, "half removed")]
    store.create(f"slim/versions/2/{MANIFEST}", manifest)
    assert list(remove_garbage(registry, survey, actor="a")) == []
    registry.verify(ModelVersion("slim", 2))


def test_a_parent_of_what_was_published_since_the_survey_stays(registry, publish):
    for _ in range(4):
        publish()
    survey = find_garbage(registry, ANY_AGE)
    assert [g.version.number for g in survey.garbage] == [1, 2, 3]
    publish(parent="slim:1")
    publish(name="student", parent="slim:2")
    removed = remove_garbage(registry, survey, actor="a")
    assert [str(garbage.version) for garbage in removed] == ["slim:3"]


def test_a_parent_of_a_publication_that_ended_since_the_survey_stays(registry, publish):
    publish()
    publish(parent="slim:1")
    publish()
    store = Store(registry.url)
    manifest = store.read(f"slim/versions/2/{MANIFEST}")
    store.remove(f"slim/versions/2/{MANIFEST}")
    make_old(store, 1, days=60)
    survey = find_garbage(registry, MONTH)
    assert [g.version.number for g in survey.garbage] == [1]
    store.create(f"slim/versions/2/{MANIFEST}", manifest)
    assert list(remove_garbage(registry, survey, actor="a")) == []
