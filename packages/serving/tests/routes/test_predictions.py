import hashlib

import pytest
from mlopsproj_records.identifiers import uuid7


def test_a_prediction_can_be_asked_for_at_once(logged, predict, image):
    answer = predict(logged)
    told = answer.json()

    recorded = logged.get(f"/v1/predictions/{told['id']}").json()

    assert {name: recorded[name] for name in told} == told
    assert recorded["request_id"] == answer.headers["x-request-id"]
    assert recorded["image_sha256"] == hashlib.sha256(image(10)).hexdigest()
    assert recorded["image_url"] is None
    assert recorded["statistics"]["width"] == 100
    assert recorded["latency_ms"]["infer"] > 0
    assert recorded["shadow_of"] is None
    assert recorded["feedback"] is None
    assert "embedding" not in recorded


def test_images_of_one_request_share_its_id(logged, image):
    files = [("file", ("a.jpg", image(10)))] * 3
    answers = logged.post("/v1/predict", files=files, headers={"x-request-id": "mine"}).json()

    recorded = [logged.get(f"/v1/predictions/{answer['id']}").json() for answer in answers]

    assert [each["request_id"] for each in recorded] == ["mine"] * 3


@pytest.mark.parametrize(
    "id_", ["x", "0", "%00", "a" * 5000, "019A90F3-8D40-7C3A-8D2F-1A2B3C4D5E6F"]
)
def test_what_is_no_id_is_not_found(logged, problem, id_):
    problem(logged.get(f"/v1/predictions/{id_}"), 404, "not-found")


def test_what_nobody_was_told_is_not_found(logged, problem):
    told = problem(
        logged.get("/v1/predictions/01985d4e-0000-7000-8000-000000000000"), 404, "not-found"
    )

    assert "01985d4e-0000-7000-8000-000000000000" in told["detail"]


def test_where_no_log_is_kept_it_says_so(client, predict, problem):
    id_ = predict(client).json()["id"]

    told = problem(client.get(f"/v1/predictions/{id_}"), 404, "not-found")

    assert "MLOPSPROJ_API_LOG" in told["detail"]


def test_where_the_database_is_away_it_says_so(away, problem):
    answer = away.get(f"/v1/predictions/{uuid7()}")

    problem(answer, 503, "database")
    assert int(answer.headers["retry-after"]) >= 1
