import json

import pytest
from mlopsproj_serving.http.keys import KeyRing, new_key
from mlopsproj_serving.http.problem_kinds import DECIDED
from monitor.world import DARKER


@pytest.fixture
def admin():
    """The headers of an administrator, and the keys."""
    key, digest = new_key()
    return {"X-API-Key": key}, KeyRing({"ada": digest})


@pytest.fixture
def waiting(client, watching, world, bundle, admin):
    """Asks where one retraining waits; its id."""
    world.publish(bundle, "production")
    world.predict(bundle, 300, scale=DARKER)
    watch = watching(environment={"MLOPSPROJ_MONITOR_RETRAIN": "command:true"})
    watch.look()
    asked = client(watch, admin_keys=admin[1])
    (retraining,) = asked.get("/v1/retraining").json()["retrainings"]
    assert (retraining["state"], retraining["how"]) == ("waiting", "command: true")
    return asked, retraining["id"]


@pytest.mark.parametrize(("verb", "state"), [("approve", "approved"), ("decline", "declined")])
def test_an_administrator_decides_with_a_reason(waiting, admin, verb, state):
    asked, id_ = waiting
    sent = {"reason": "a new camera"}
    answer = asked.post(f"/v1/retraining/{id_}/{verb}", json=sent, headers=admin[0])
    decided = answer.json()
    assert (answer.status_code, decided["state"]) == (200, state)
    assert (decided["actor"], decided["reason"]) == ("ada", "a new camera")
    (told,) = asked.get("/v1/retraining").json()["retrainings"]
    assert told == decided


def test_a_reason_may_come_in_chunks(waiting, admin):
    asked, id_ = waiting
    headers = admin[0] | {"Content-Type": "application/json"}
    sent = iter([b'{"reason": ', b'"a new camera"}'])
    answer = asked.post(f"/v1/retraining/{id_}/approve", content=sent, headers=headers)
    assert answer.json()["reason"] == "a new camera"


def test_the_longest_reason_is_taken_however_it_is_escaped(waiting, admin):
    asked, id_ = waiting
    reason = 2000 * "\N{WATER WAVE}"
    sent = json.dumps({"reason": reason}).encode("ascii")
    headers = admin[0] | {"Content-Type": "application/json"}
    answer = asked.post(f"/v1/retraining/{id_}/approve", content=sent, headers=headers)
    assert answer.json()["reason"] == reason


def test_no_reason_is_needed(waiting, admin):
    asked, id_ = waiting
    decided = asked.post(f"/v1/retraining/{id_}/approve", headers=admin[0]).json()
    assert (decided["state"], decided["reason"]) == ("approved", None)


def test_what_is_decided_is_not_decided_otherwise(waiting, admin):
    asked, id_ = waiting
    asked.post(f"/v1/retraining/{id_}/decline", headers=admin[0])
    answer = asked.post(f"/v1/retraining/{id_}/approve", headers=admin[0])
    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:mlopsproj:problem:decided"
    shown = DECIDED.example.replace("019c13f1-8d40-7c3a-8d2f-1a2b3c4d5e6f", id_)
    assert answer.json()["detail"] == shown


@pytest.mark.parametrize("headers", [{}, {"X-API-Key": "mlopsproj_wrong"}])
def test_nobody_else_decides(waiting, headers):
    asked, id_ = waiting
    assert asked.post(f"/v1/retraining/{id_}/approve", headers=headers).status_code == 401


def test_without_admin_keys_there_is_no_such_route(client):
    assert client().post("/v1/retraining/x/approve").status_code == 404


@pytest.mark.parametrize("id_", ["x", "%00", "a" * 300])
def test_one_that_is_not_there_is_a_problem(waiting, admin, id_):
    asked, _ = waiting
    answer = asked.post(f"/v1/retraining/{id_}/approve", headers=admin[0])
    assert answer.status_code == 404


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"no json", 400), (b'{"reason": 3}', 422), (b'{"why": "x"}', 422), (b"x" * 40_000, 413)],
)
def test_a_body_that_cannot_be_read_decides_nothing(waiting, admin, body, status):
    asked, id_ = waiting
    headers = admin[0] | {"Content-Type": "application/json"}
    answer = asked.post(f"/v1/retraining/{id_}/approve", content=body, headers=headers)
    assert answer.status_code == status
    assert asked.get("/v1/retraining").json()["retrainings"][0]["state"] == "waiting"
