import pytest
from mlopsproj_core.registry import Registry
from numbered_versions import NumberedVersions


@pytest.fixture
def versions(tmp_path):
    return NumberedVersions(Registry(str(tmp_path / "registry")), tmp_path / "scratch")


def test_alive_and_ready(client):
    for path in ("/livez", "/readyz"):
        answer = client.get(path)
        assert (answer.status_code, answer.text) == (200, "ok\n")


def test_alive_and_not_ready_before_there_is_a_model(follow, versions, problem):
    client = follow(versions.registry)
    assert client.get("/livez").status_code == 200
    answer = client.get("/readyz")
    told = problem(answer, 503, "no-model")
    assert "`uv run train`" in told["detail"]
    assert answer.headers["retry-after"]
    versions.put(versions.publish())
    client.run(client.app.state.reloader.reload())
    assert client.get("/readyz").status_code == 200


def test_not_ready_while_images_cannot_be_computed(follow, versions, problem, monkeypatch):
    versions.put(versions.publish())
    client = follow(versions.registry)

    def fail(images):
        raise RuntimeError("the graph fails")

    monkeypatch.setattr(client.app.state.service.current.predictor, "run", fail)
    problem(client.get("/readyz"), 503, "no-model")


def test_neither_needs_a_key(follow, versions):
    from mlopsproj_serving.http.keys import KeyRing, new_key

    versions.put(versions.publish())
    client = follow(versions.registry, keys=KeyRing({"ada": new_key()[1]}))
    assert client.get("/v1/model").status_code == 401
    assert client.get("/livez").status_code == client.get("/readyz").status_code == 200
