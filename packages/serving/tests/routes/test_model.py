from datetime import UTC, datetime

import msgspec
import pytest
from mlopsproj_core.registry import Registry
from mlopsproj_serving.http.model_state import ModelState
from numbered_versions import NumberedVersions


@pytest.fixture
def versions(tmp_path):
    return NumberedVersions(Registry(str(tmp_path / "registry")), tmp_path / "scratch")


def look(client):
    client.run(client.app.state.reloader.reload())


def test_the_version_that_answers_and_since_when(follow, versions):
    begun = datetime.now(UTC)
    versions.put(versions.publish())
    client = follow(versions.registry)
    answer = client.get("/v1/model")
    assert answer.status_code == 200
    state = msgspec.json.decode(answer.content, type=ModelState)
    assert (state.name, state.version, state.alias) == ("brightness", 1, "production")
    assert state.classes == ["dark", "bright"]
    assert (state.image.height, state.image.width, state.image.channels) == (28, 28, 1)
    assert state.metrics["accuracy"].value == 1.0
    assert (state.metrics["accuracy"].low, state.metrics["accuracy"].high) == (0.9, 1.0)
    assert state.strategy == "single"
    assert begun < state.loaded <= state.since < datetime.now(UTC)
    assert state.load_seconds > 0
    move = versions.registry.history("brightness", "production")[-1]
    assert (state.moved.sequence, state.moved.time) == (1, move.time)
    assert (state.moved.actor, state.moved.reason) == ("test", "put there")
    assert state.following.failed is None
    assert state.following.registry is None
    assert (state.shadow.version, state.shadow.since, state.shadow.share) == (None, None, 1.0)


def test_another_version_and_its_shadow(follow, versions):
    versions.put(versions.publish())
    client = follow(versions.registry)
    versions.put(versions.publish())
    versions.put(versions.publish(), "shadow")
    look(client)
    state = client.get("/v1/model").json()
    assert (state["version"], state["moved"]["version"], state["shadow"]["version"]) == (2, 2, 3)
    assert state["shadow"]["since"] > state["since"]


def test_a_version_that_cannot_be_loaded_is_told_with_the_reason(follow, versions, tmp_path):
    versions.put(versions.publish())
    client = follow(versions.registry)
    for alias in ("production", "shadow"):
        version = versions.publish()
        folder = tmp_path / "registry" / "brightness" / "versions" / str(version.number)
        (folder / "model.onnx").write_bytes(b"damaged")
        versions.put(version, alias)
    look(client)
    state = client.get("/v1/model").json()
    assert state["version"] == 1
    failed = state["following"]["failed"]
    assert failed["version"] == 2
    assert "model.onnx" in failed["reason"]
    assert failed["attempts"] == 1
    assert failed["next_attempt"] > failed["time"]
    assert state["shadow"]["version"] is None
    assert state["shadow"]["following"]["failed"]["version"] == 3
    versions.put(versions.registry.resolve("brightness:1"))
    look(client)
    assert client.get("/v1/model").json()["following"]["failed"] is None


def test_a_registry_that_is_away_is_told(follow, versions, tmp_path):
    versions.put(versions.publish())
    client = follow(versions.registry)
    (tmp_path / "registry").rename(tmp_path / "away")
    look(client)
    state = client.get("/v1/model").json()
    assert state["version"] == 1
    assert str(tmp_path / "registry") in state["following"]["registry"]["reason"]
    assert state["following"]["registry"]["since"] > state["following"]["looked"]


def test_without_a_model_it_is_told_what_makes_one(follow, versions, problem):
    client = follow(versions.registry)
    told = problem(client.get("/v1/model"), 503, "no-model")
    assert "`uv run train`" in told["detail"]


def test_a_version_that_was_named_has_no_alias(follow, versions):
    versions.publish()
    state = follow(versions.registry, model="brightness:1").get("/v1/model").json()
    assert (state["alias"], state["moved"]) == (None, None)


def test_the_document_describes_what_is_told(follow, versions):
    versions.put(versions.publish())
    client = follow(versions.registry)
    document = client.get("/openapi.json").json()
    shape = document["components"]["schemas"]["ModelState"]
    assert shape["properties"].keys() == client.get("/v1/model").json().keys()
    answer = document["paths"]["/v1/model"]["get"]["responses"]["200"]
    content = answer["content"]["application/json"]
    msgspec.convert(content["examples"]["model"]["value"], ModelState)
