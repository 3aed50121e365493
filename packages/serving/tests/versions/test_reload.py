"""Real versions followed in real registries; what follows is tested alone in test_follower."""

import asyncio
import gc
import logging
import sqlite3
import threading
import weakref
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from mlopsproj_core.bundle import PROBE
from mlopsproj_core.errors import NoModelError, ServingError
from mlopsproj_core.registry import Registry
from mlopsproj_records.log import LogConfig, PredictionLog
from mlopsproj_serving.config import SchedulingConfig, ServingConfig
from mlopsproj_serving.service import Service
from mlopsproj_serving.telemetry.metrics import Metrics
from mlopsproj_serving.versions.reload import Reloader
from numbered_versions import NumberedVersions, grey_image, number_of
from object_store import emulator as running_emulator

IMAGE = grey_image()
CONFIG = ServingConfig(
    reload_seconds=0.02, scheduling=SchedulingConfig(strategy="single", threads=2)
)
RARELY = replace(CONFIG, reload_seconds=3600.0)


@pytest.fixture(scope="module")
def emulator(tmp_path_factory):
    with running_emulator(tmp_path_factory.mktemp("emulator")) as found:
        yield found


@pytest.fixture
def versions(tmp_path):
    """Of a model in a folder."""
    return NumberedVersions(Registry(str(tmp_path / "registry")), tmp_path / "scratch")


@pytest.fixture
def bucket_versions(emulator, tmp_path):
    """Of a model in an object store."""
    registry = Registry(emulator.new_prefix(), cache=tmp_path / "cache")
    return NumberedVersions(registry, tmp_path / "scratch")


@pytest.fixture(params=["folder", "object store"])
def all_versions(request):
    """The same tests hold for both."""
    return request.getfixturevalue("versions" if request.param == "folder" else "bucket_versions")


@asynccontextmanager
async def following(registry, config=CONFIG, log=None, wait_seconds=60, **settings):
    """A service and what keeps it up to date, as a process of the api has them."""
    service = Service(config, log)
    reloader = Reloader(service, registry, **settings)
    try:
        await reloader.start(wait_seconds=wait_seconds)
        yield service, reloader
    finally:
        await reloader.close()
        await service.close()


async def ask(service, images=1):
    """Which versions said that they answer, and which did."""
    answers = await service.predict([IMAGE] * images, request_id="r", deadline_seconds=30)
    return [(answer.version, number_of(answer.ood_score)) for answer in answers]


async def until(condition):
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 (the service sets no event of ours)
            await asyncio.sleep(0.005)


def serves(service, number):
    return lambda: service.current is not None and service.current.version.number == number


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["single", "batches"])
def test_fifty_moves_under_load_fail_nothing_and_mix_nothing(all_versions, strategy):
    move_under_load(all_versions, strategy, moves=50)


@pytest.mark.parametrize("strategy", ["single", "batches"])
def test_moves_under_load_fail_nothing_and_mix_nothing(versions, strategy):
    move_under_load(versions, strategy, moves=10)


def move_under_load(versions, strategy, *, moves):
    first, second = versions.publish(), versions.publish()
    versions.put(first)
    config = replace(CONFIG, scheduling=SchedulingConfig(strategy=strategy, threads=2))

    async def run():
        async with following(versions.registry, config) as (service, _):
            answered, moving = [], True

            async def client():
                while moving:
                    answered.append(await ask(service, images=3))

            clients = [asyncio.create_task(client()) for _ in range(8)]
            for move in range(moves):
                wanted = (second, first)[move % 2]
                await asyncio.to_thread(versions.put, wanted)
                await until(serves(service, wanted.number))
            moving = False
            await asyncio.gather(*clients)
            return answered

    answered = asyncio.run(run())
    assert len(answered) > moves
    for request in answered:
        assert len(set(request)) == 1, "all images of a request go to one version"
        assert all(said == did for said, did in request)
    assert {said for request in answered for said, _ in request} == {1, 2}


def damage_graph(folder):
    (folder / "model.onnx").write_bytes(b"damaged")


def damage_manifest(folder):
    (folder / "manifest.json").write_text("{")


def lose_a_file(folder):
    (folder / PROBE).unlink()


@pytest.mark.parametrize(
    ("harm", "reason"),
    [(damage_graph, "model.onnx"), (damage_manifest, "manifest"), (lose_a_file, "expected.npz")],
)
def test_a_version_that_cannot_be_loaded_leaves_the_old_one_serving(
    versions, tmp_path, harm, reason
):
    versions.put(versions.publish())
    broken = versions.publish()
    harm(tmp_path / "registry" / "brightness" / "versions" / "2")
    metrics = Metrics()

    async def run():
        async with following(versions.registry, metrics=metrics) as (service, reloader):
            # The registry itself refuses to point at a version without a readable manifest.
            versions.put(broken)
            await reloader.reload()
            assert await ask(service) == [(1, 1)]
            failure = reloader.production.failure
            assert failure.version == broken
            assert reason in failure.reason
            loads = metrics.render()
            versions.put(versions.publish())
            await reloader.reload()
            assert await ask(service) == [(3, 3)]
            assert reloader.production.failure is None
            return loads

    loads = asyncio.run(run()).decode()
    assert 'model_loads_total{result="failed"} 1' in loads
    assert 'model_loads_total{result="served"} 1' in loads
    assert 'version="1"' in "".join(served(loads))
    (line,) = served(metrics.render().decode())
    assert all(label in line for label in ('model="brightness"', 'version="3"', '"single"'))


def served(page):
    """Lines that say which version a process answers with."""
    return [line for line in page.splitlines() if line.startswith("mlopsproj_api_model_info{")]


def test_a_damaged_download_is_refused_and_fetched_again_once_it_is_mended(
    bucket_versions, tmp_path
):
    registry = bucket_versions.registry
    bucket_versions.put(bucket_versions.publish())
    files, path = registry._store._files, "brightness/versions/2/model.onnx"

    async def run():
        async with following(registry) as (service, reloader):
            second = bucket_versions.publish()
            whole = files.read(path)
            files._system.pipe_file(f"{files._root}/{path}", b"damaged")
            bucket_versions.put(second)
            await reloader.reload()
            assert await ask(service) == [(1, 1)]
            assert "model.onnx" in reloader.production.failure.reason
            files._system.pipe_file(f"{files._root}/{path}", whole)
            await reloader.reload()
            assert await ask(service) == [(2, 2)]

    asyncio.run(run())


def test_an_empty_registry_is_served_as_soon_as_it_holds_a_model(all_versions):
    async def run():
        async with following(all_versions.registry) as (service, reloader):
            with pytest.raises(NoModelError, match="`uv run train`"):
                await ask(service)
            version = await asyncio.to_thread(all_versions.publish)
            await reloader.reload()
            with pytest.raises(NoModelError, match=r"`uv run train` .* registry promote"):
                await ask(service)
            await asyncio.to_thread(all_versions.put, version)
            await until(serves(service, 1))
            assert await ask(service) == [(1, 1)]

    asyncio.run(run())


def test_the_only_version_cannot_be_loaded(versions, tmp_path):
    versions.put(versions.publish())
    damage_graph(tmp_path / "registry" / "brightness" / "versions" / "1")

    async def run():
        async with following(versions.registry) as (service, _):
            with pytest.raises(NoModelError, match=r"brightness:1 cannot be loaded.*uv run train"):
                await ask(service)

    asyncio.run(run())


def test_a_folder_that_is_away_at_the_start_and_later(versions, tmp_path):
    versions.put(versions.publish())
    registry, away = tmp_path / "registry", tmp_path / "away"
    registry.rename(away)
    registry.write_text("no folder")

    async def run():
        async with following(versions.registry) as (service, reloader):
            with pytest.raises(NoModelError, match=r"cannot be .*uv run train"):
                await ask(service)
            registry.unlink()
            away.rename(registry)
            await until(serves(service, 1))
            registry.rename(away)
            await reloader.reload()
            assert reloader.production.unreachable is not None
            assert await ask(service) == [(1, 1)]
            away.rename(registry)
            versions.put(versions.publish())
            await until(serves(service, 2))
            assert reloader.production.unreachable is None

    asyncio.run(run())


def test_an_object_store_that_hangs_at_the_start_and_later(bucket_versions, emulator):
    bucket_versions.put(bucket_versions.publish())
    second = bucket_versions.publish()

    async def run():
        with emulator.hanging():
            starting = following(bucket_versions.registry, wait_seconds=0.05)
            service, _ = await starting.__aenter__()
            with pytest.raises(NoModelError):
                await ask(service)
        await until(serves(service, 1))
        with emulator.hanging():
            await asyncio.sleep(0.1)
            assert await ask(service, images=5) == [(1, 1)] * 5
        await asyncio.to_thread(bucket_versions.put, second)
        await until(serves(service, 2))
        with emulator.hanging():  # what hangs does not keep the service from ending
            await asyncio.wait_for(starting.__aexit__(None, None, None), 30)

    asyncio.run(run())


@pytest.mark.parametrize("strategy", ["single", "batches"])
def test_what_was_replaced_leaves_neither_memory_nor_threads(versions, strategy):
    pair = [versions.publish(), versions.publish()]
    versions.put(pair[0])
    config = replace(CONFIG, scheduling=SchedulingConfig(strategy=strategy, threads=2))

    async def run():
        async with following(versions.registry, config) as (service, reloader):
            left = []
            for move in range(1, 7):
                await ask(service, images=4)
                left.append(weakref.ref(service.current))
                left.append(weakref.ref(service.current.predictor._graph._session))
                versions.put(pair[move % 2])
                await reloader.reload()
                await reloader.production.all_closed()
                names = [each.name for each in threading.enumerate()]
                assert len([name for name in names if name.startswith("predict")]) == 2, names
            await until(lambda: [each() for each in left] == [None] * len(left))

    gc.disable()  # it may come late: nothing may wait for it
    try:
        asyncio.run(run())
    finally:
        gc.enable()


def test_the_end_leaves_no_thread_though_a_version_is_being_loaded(versions, monkeypatch):
    versions.put(versions.publish())
    second = versions.publish()
    before = set(threading.enumerate())
    fetching, go = threading.Event(), threading.Event()

    async def run():
        async with following(versions.registry) as (service, _):
            fetch = versions.registry.fetch

            def slowly(version):
                fetching.set()
                go.wait(30)
                return fetch(version)

            monkeypatch.setattr(versions.registry, "fetch", slowly)
            versions.put(second)
            assert await asyncio.to_thread(fetching.wait, 30)
            assert await ask(service) == [(1, 1)], "it goes on answering meanwhile"

    asyncio.run(run())
    go.set()
    for thread in set(threading.enumerate()) - before:
        thread.join(30)
        assert not thread.is_alive(), thread


def test_a_second_model_does_not_make_it_unclear_which_is_served(versions):
    versions.put(versions.publish())

    async def run():
        async with following(versions.registry) as (service, reloader):
            other = NumberedVersions(versions.registry, versions._scratch / "other")
            other.publish(name="another")
            versions.put(versions.publish())
            await reloader.reload()
            assert await ask(service) == [(2, 2)]
            assert reloader.production.unreachable is None

    asyncio.run(run())


@pytest.mark.parametrize(
    ("model", "alias", "name"),
    [
        ("brightness:1", None, "brightness"),
        ("brightness@candidate", "candidate", "brightness"),
        ("brightness", "production", "brightness"),
        ("@production", "production", None),
    ],
)
def test_what_is_followed_is_told(versions, model, alias, name):
    async def run():
        service = Service(replace(CONFIG, model=model), None)
        reloader = Reloader(service, versions.registry)
        assert (reloader.alias, reloader.name) == (alias, name)

    asyncio.run(run())


def test_a_version_that_was_named_stays(versions):
    versions.put(versions.publish())

    async def run():
        config = replace(CONFIG, model="brightness:1")
        async with following(versions.registry, config) as (service, reloader):
            versions.put(versions.publish())
            await reloader.reload()
            assert await ask(service) == [(1, 1)]

    asyncio.run(run())


def test_a_reload_reaches_every_process(versions, tmp_path):
    """Three that look once an hour, and share a folder as processes do."""
    versions.put(versions.publish())
    settings = {"config": RARELY, "run_folder": tmp_path}

    async def run():
        async with (
            following(versions.registry, **settings) as (_, asked),
            following(versions.registry, **settings) as (second, _),
            following(versions.registry, **settings) as (third, _),
        ):
            versions.put(versions.publish())
            await asked.reload()
            assert asked.production.current.version.number == 2
            await until(serves(second, 2))
            await until(serves(third, 2))

    asyncio.run(run())


def test_a_reload_that_cannot_be_told_to_others_is_done_here_all_the_same(versions, tmp_path):
    versions.put(versions.publish())
    folder = tmp_path / "run"
    folder.mkdir()

    async def run():
        async with following(versions.registry, RARELY, run_folder=folder) as (service, reloader):
            folder.rmdir()
            versions.put(versions.publish())
            with pytest.raises(ServingError, match="could not tell the others"):
                await reloader.reload()
            assert await ask(service) == [(2, 2)]

    asyncio.run(run())


def test_a_service_that_ended_reloads_nothing(versions):
    versions.put(versions.publish())

    async def run():
        async with following(versions.registry) as (_, reloader):
            pass
        with pytest.raises(ServingError, match="ending"):
            await reloader.reload()

    asyncio.run(run())


@pytest.fixture
def log(tmp_path):
    """A real one."""
    log = PredictionLog(
        LogConfig(database_url=f"sqlite:///{tmp_path}/log.db", spool_dir=tmp_path / "spool")
    )
    yield log
    log.close()


def logged(tmp_path):
    """Version and what it shadows, by id, of all that is in the database."""
    with sqlite3.connect(tmp_path / "log.db") as database:
        rows = database.execute("SELECT id, version, shadow_of FROM prediction").fetchall()
    return {id_: (version, shadow_of) for id_, version, shadow_of in rows}


def test_the_shadow_follows_its_alias_and_is_logged_for_comparison(versions, log, tmp_path):
    versions.put(versions.publish())
    metrics = Metrics()

    async def run():
        async with following(versions.registry, log=log, metrics=metrics) as (service, reloader):
            await ask(service)
            assert reloader.shadow.model is None, "there is no alias shadow yet"
            versions.put(versions.publish(), "shadow")
            await reloader.reload()
            answers = await service.predict([IMAGE] * 5, request_id="r", deadline_seconds=30)
            assert [number_of(answer.ood_score) for answer in answers] == [1] * 5
            await until(lambda: b'result="agreed"} 5' in metrics.render())
            versions.put(versions.publish(), "shadow")
            await reloader.reload()
            await service.predict([IMAGE], request_id="r", deadline_seconds=30)
            await until(lambda: b'result="agreed"} 6' in metrics.render())
            versions.put(versions.registry.resolve("brightness:1"), "shadow")
            await reloader.reload()
            await ask(service, images=4)
            return {answer.id for answer in answers}

    answered = asyncio.run(run())
    assert log.flush(30)
    rows = logged(tmp_path)
    shadows = {id_: row for id_, row in rows.items() if row[1] is not None}
    assert sorted(version for version, _ in shadows.values()) == [2] * 5 + [3]
    assert {shadow_of for version, shadow_of in shadows.values() if version == 2} == answered
    assert len(rows) - len(shadows) == 1 + 5 + 1 + 4
    assert {rows[shadow_of] for _, shadow_of in shadows.values()} == {(1, None)}


def test_a_shadow_that_cannot_be_loaded_is_told_and_changes_nothing(versions, tmp_path, caplog):
    caplog.set_level(logging.WARNING)
    versions.put(versions.publish())
    broken = versions.publish()
    damage_graph(tmp_path / "registry" / "brightness" / "versions" / "2")
    versions.put(broken, "shadow")
    metrics = Metrics()

    async def run():
        async with following(versions.registry, metrics=metrics) as (service, reloader):
            await reloader.reload()
            assert await ask(service) == [(1, 1)]
            assert reloader.shadow.model is None
            assert reloader.shadow_follower.failure.version == broken
            assert reloader.production.failure is None

    asyncio.run(run())
    assert b'result="failed"' not in metrics.render(), "it counts what was to be served"


def test_without_a_share_the_shadow_is_not_even_loaded(versions):
    versions.put(versions.publish())
    versions.put(versions.publish(), "shadow")

    async def run():
        config = replace(CONFIG, shadow_share=0.0)
        async with following(versions.registry, config) as (service, reloader):
            await ask(service)
            await reloader.reload()
            assert reloader.shadow.model is None

    asyncio.run(run())


def test_the_end_waits_for_no_shadow_that_hangs(versions, monkeypatch):
    monkeypatch.setattr("mlopsproj_serving.versions.reload.LAST_COPY_SECONDS", 0.05)
    versions.put(versions.publish())
    versions.put(versions.publish(), "shadow")
    hanging, go = threading.Event(), threading.Event()

    async def run():
        async with following(versions.registry) as (service, reloader):
            await reloader.reload()
            predictor = reloader.shadow.model.predictor
            run_model = predictor.run

            def hang(images):
                hanging.set()
                go.wait(60)
                return run_model(images)

            monkeypatch.setattr(predictor, "run", hang)
            assert await ask(service) == [(1, 1)]
            assert await asyncio.to_thread(hanging.wait, 30)

    try:
        asyncio.run(asyncio.wait_for(run(), 30))
        assert not go.is_set()
    finally:
        go.set()
