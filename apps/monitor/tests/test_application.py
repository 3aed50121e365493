import pytest
from mlopsproj_serving.http.keys import KeyRing, new_key

OPEN = ["/livez", "/metrics", "/docs", "/openapi.json"]
KEYED = ["/v1/drift", "/v1/drift/history", "/v1/report", "/v1/retraining"]


@pytest.mark.parametrize("path", KEYED)
def test_v1_needs_a_key_where_keys_are_set(client, path):
    key, digest = new_key()
    asked = client(keys=KeyRing({"console": digest}))
    assert asked.get(path).status_code == 401
    assert asked.get(path, headers={"X-API-Key": "wrong"}).status_code == 401
    assert asked.get(path, headers={"Authorization": f"Bearer {key}"}).status_code != 401
    text = asked.get("/metrics").text
    assert 'mlopsproj_monitor_refusals_total{reason="key"} 2.0' in text


@pytest.mark.parametrize("path", OPEN)
def test_what_runs_the_service_needs_none(client, path):
    assert client(keys=KeyRing({"console": new_key()[1]})).get(path).status_code == 200


def test_every_answer_has_an_id_and_headers(client):
    asked = client()
    for path in ("/v1/drift", "/nowhere", "/docs"):
        answer = asked.get(path, headers={"X-Request-ID": "mine"})
        assert answer.headers["x-request-id"] == "mine"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"


def test_a_path_that_is_none_is_a_problem(client):
    answer = client().get("/v1/drifts")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_the_document_tells_of_every_route_with_examples(client):
    key = KeyRing({"ada": new_key()[1]})
    document = client(admin_keys=key).get("/openapi.json").json()
    assert set(document["paths"]) == {
        *KEYED,
        *("/livez", "/readyz", "/metrics"),
        *("/v1/retraining/{id}/approve", "/v1/retraining/{id}/decline"),
    }
    for path, operations in document["paths"].items():
        for operation in operations.values():
            for status, answer in operation["responses"].items():
                for media in answer.get("content", {}).values():
                    known = "text" in str(media) or "examples" in media or "example" in media
                    assert known or "schema" in media, (path, status)
    assert document["paths"]["/v1/retraining/{id}/approve"]["post"]["security"]
    shapes = document["components"]["schemas"]
    assert {"Drift", "History", "Check", "Detector", "Retraining", "Decision"} <= set(shapes)


def test_the_page_of_the_routes_is_ours(client):
    answer = client().get("/docs")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "/v1/drift/history" in answer.text
