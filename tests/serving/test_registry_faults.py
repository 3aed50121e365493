"""The registry empty, away, hung or damaged: what is served goes on, and the service says why."""

import shutil

import pytest
from serving.load import Ask, Load
from serving.metrics_page import metric
from serving.object_store import ObjectStore
from serving.pictures import plain
from serving.server import publish

WHITE = plain(255)
PNG = {"Content-Type": "image/png"}
SOON = "0.1"


def ask(_: int) -> Ask:
    return Ask(WHITE, PNG)


def serves(api, version: int) -> bool:
    return api.client.get("/v1/model").json().get("version") == version


def trouble(api) -> dict | None:
    """What is wrong with the registry, as the service says."""
    return api.client.get("/v1/model").json()["following"]["registry"]


def says_why_it_has_no_model(api) -> str:
    assert api.get_status("/livez") == 200
    assert api.get_status("/readyz") == 503
    for answer in (api.predict(WHITE, "image/png"), api.client.get("/v1/model")):
        assert answer.status_code == 503
        assert answer.headers["content-type"] == "application/problem+json"
        assert int(answer.headers["retry-after"]) >= 1
    return answer.json()["detail"]


def listens(api) -> bool:
    return api.get_status("/livez") == 200


@pytest.mark.slow
def test_an_empty_registry_is_waited_for(make_api, bundles):
    api = make_api(MLOPSPROJ_API_RELOAD_SECONDS=SOON)
    shutil.rmtree(api.folder / "registry")
    api.launch()
    api.wait_until(lambda: listens(api), "does not listen")
    assert "uv run train" in says_why_it_has_no_model(api)
    assert "uv run train" in api.stderr()
    publish(str(api.folder / "registry"), bundles[2], "production")
    api.wait_ready()
    assert api.predict(WHITE, "image/png").json()["version"] == 1
    assert api.terminate() == 0


@pytest.mark.slow
def test_a_folder_that_is_moved_away_and_comes_back(make_api, bundles):
    api = make_api(MLOPSPROJ_API_RELOAD_SECONDS=SOON).start()
    registry = api.folder / "registry"
    with Load(api.port, ask, clients=2) as load:
        registry.rename(api.folder / "away")
        api.wait_until(lambda: trouble(api) is not None, "does not notice")
        assert "registry" in trouble(api)["reason"]
        load.wait_for(50)
        (api.folder / "away").rename(registry)
        publish(str(registry), bundles[2], "production")
        api.wait_until(lambda: serves(api, 2), "does not follow the alias again")
        load.wait_for(10)
    assert trouble(api) is None
    assert {answer.status for answer in load.answers} == {200}, load.summary()


def flip_a_byte(file):
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.chmod(0o644)
    file.write_bytes(data)


@pytest.mark.parametrize(
    "file",
    [
        "model.onnx",
        pytest.param("probe/expected.npz", marks=pytest.mark.slow),
        pytest.param("manifest.json", marks=pytest.mark.slow),
    ],
)
def test_a_damaged_version_is_not_served_and_the_service_says_so(make_api, bundles, file):
    api = make_api(MLOPSPROJ_API_RELOAD_SECONDS=SOON).start()
    registry = api.folder / "registry"
    with Load(api.port, ask, clients=2) as load:
        assert publish(str(registry), bundles[2]) == 2
        (damaged,) = registry.rglob(f"versions/2/{file}")
        if file == "manifest.json":
            damaged.chmod(0o644)
            damaged.write_bytes(damaged.read_bytes()[:-200])
        else:
            flip_a_byte(damaged)
        move(registry, 2)
        api.wait_until(
            lambda: api.client.get("/v1/model").json()["following"]["failed"], "does not notice"
        )
        load.wait_for(20)
        state = api.client.get("/v1/model").json()
        assert state["version"] == 1
        assert state["following"]["failed"]["version"] == 2
        assert file.split("/")[-1] in state["following"]["failed"]["reason"]
        assert metric(api, "model_loads_total", result="failed") >= 1
        assert publish(str(registry), bundles[3], "production") == 3
        api.wait_until(lambda: serves(api, 3), "does not serve the version that is whole")
        load.wait_for(5)
    assert {answer.status for answer in load.answers} == {200}, load.summary()
    assert {answer.json["version"] for answer in load.answers} == {1, 3}
    assert api.client.get("/v1/model").json()["following"]["failed"] is None
    assert "Traceback" not in api.stderr()


def move(registry, version):
    from mlopsproj_core.registry import Registry
    from serving.server import NAME

    Registry(str(registry)).move_alias(
        NAME, "production", version, actor="test", reason="nobody looked"
    )


@pytest.mark.slow
def test_a_damaged_version_at_the_start_is_said_and_the_mended_one_served(make_api, bundles):
    api = make_api(MLOPSPROJ_API_RELOAD_SECONDS=SOON)
    (damaged,) = (api.folder / "registry").rglob("versions/1/model.onnx")
    flip_a_byte(damaged)
    api.launch()
    api.wait_until(lambda: listens(api), "does not listen")
    assert "model.onnx" in says_why_it_has_no_model(api)
    publish(str(api.folder / "registry"), bundles[2], "production")
    api.wait_ready()
    assert serves(api, 2)


@pytest.fixture
def store(tmp_path):
    pytest.importorskip("gcsfs", reason="gcsfs is not installed")
    found = ObjectStore(tmp_path / "store")
    try:
        yield found
    finally:
        found.kill()


@pytest.mark.slow
def test_an_object_store_that_is_away_at_the_start_killed_and_hung_later(make_api, bundles, store):
    local = str(store.folder / "models" / "registry")
    publish(local, bundles[1], "production")
    api = make_api(
        MLOPSPROJ_REGISTRY_URL="gs://models/registry",
        MLOPSPROJ_API_RELOAD_SECONDS=SOON,
        **store.environment,
    )
    api.launch()
    api.wait_until(lambda: listens(api), "does not listen", 90)
    # gcsfs tries several times before it gives up.
    api.wait_until(
        lambda: "gs://models/registry" in says_why_it_has_no_model(api), "does not say why", 90
    )
    store.start()
    api.wait_ready(90)

    with Load(api.port, ask, clients=2) as load:
        load.wait_for(20)
        store.kill()
        api.wait_until(lambda: trouble(api) is not None, "does not notice", 90)
        load.wait_for(50)
        publish(local, bundles[2], "production")
        store.start()
        api.wait_until(lambda: serves(api, 2), "does not follow the alias again", 90)
        assert trouble(api) is None
        store.hang()
        load.wait_for(200)
    assert {answer.status for answer in load.answers} == {200}, load.summary()
    assert {answer.json["version"] for answer in load.answers} == {1, 2}
    assert api.terminate(60) == 0


@pytest.mark.slow
def test_a_started_service_needs_no_object_store_for_what_it_fetched_before(
    make_api, bundles, store
):
    publish(str(store.folder / "models" / "registry"), bundles[1], "production")
    store.start()
    api = make_api(
        MLOPSPROJ_REGISTRY_URL="gs://models/registry",
        MLOPSPROJ_API_RELOAD_SECONDS=SOON,
        **store.environment,
    ).start()
    store.hang()
    assert api.predict(WHITE, "image/png").status_code == 200
    assert api.terminate(60) == 0
