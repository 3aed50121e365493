import asyncio

import pytest
from mlopsproj_core.registry import Registry
from mlopsproj_evaluation.gates import GATES
from mlopsproj_serving.http.keys import KeyRing, new_key
from shop import Shop, right

KEY, HASH = new_key()
ADMINS = KeyRing({"ada": HASH})
ADA = {"Authorization": f"Bearer {KEY}"}
ROUTES = [
    ("POST", "/v1/admin/reload"),
    ("GET", "/v1/admin/aliases"),
    ("POST", "/v1/admin/promote"),
    ("POST", "/v1/admin/rollback"),
]


@pytest.fixture
def shop(tmp_path):
    return Shop(Registry(str(tmp_path / "registry")), tmp_path / "scratch")


@pytest.fixture
def client(shop, follow):
    shop.put(shop.publish(right(700, 1000)))
    return follow(shop.registry, admin_keys=ADMINS)


def test_without_an_admin_key_there_are_no_such_routes(shop, follow, problem):
    shop.put(shop.publish())
    client = follow(shop.registry, keys=ADMINS, admin_keys=KeyRing({}))
    for method, path in ROUTES:
        problem(client.request(method, path, headers=ADA), 404, "not-found")
    assert not [path for path in client.get("/openapi.json").json()["paths"] if "admin" in path]


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("headers", [{}, {"X-API-Key": new_key()[0]}, {"Authorization": KEY}])
def test_whoever_holds_no_admin_key_is_refused(client, shop, problem, route, headers):
    answer = client.request(*route, headers=headers, json={"model": "brightness:1"})
    problem(answer, 401, "unauthorized")
    assert KEY not in answer.text
    assert len(shop.registry.history("brightness", "production")) == 1


def test_a_key_that_may_ask_may_not_administer(shop, follow, problem):
    shop.put(shop.publish())
    key, digest = new_key()
    client = follow(shop.registry, keys=KeyRing({"bob": digest}), admin_keys=ADMINS)
    assert client.get("/v1/model", headers={"X-API-Key": key}).status_code == 200
    problem(client.post("/v1/admin/reload", headers={"X-API-Key": key}), 401, "unauthorized")
    problem(client.get("/v1/model", headers=ADA), 401, "unauthorized")


def test_every_route_is_documented_with_its_key(client):
    document = client.get("/openapi.json").json()
    for method, path in ROUTES:
        operation = document["paths"][path][method.lower()]
        assert operation["security"]
        assert {"200", "401"} <= operation["responses"].keys()
    assert "security" not in document["paths"]["/v1/predict"]["post"]


def test_a_moved_alias_is_followed_when_it_is_asked_to(client, shop):
    shop.put(shop.publish())
    assert client.get("/v1/model").json()["version"] == 1
    answer = client.post("/v1/admin/reload", headers=ADA)
    assert answer.status_code == 200
    assert answer.json()["version"] == 2
    assert client.get("/v1/model").json() == answer.json()


def test_a_reload_that_fails_tells_why_and_can_be_repeated(client, shop):
    broken = shop.publish()
    content = shop.file(broken, "model.onnx").read_bytes()
    shop.damage(broken, "model.onnx")
    shop.put(broken)
    for attempt in (1, 2):
        state = client.post("/v1/admin/reload", headers=ADA).json()
        assert state["version"] == 1
        assert "model.onnx" in state["following"]["failed"]["reason"]
        assert state["following"]["failed"]["attempts"] == attempt
    shop.file(broken, "model.onnx").write_bytes(content)
    assert client.post("/v1/admin/reload", headers=ADA).json()["version"] == 2


def test_the_aliases(client, shop):
    shop.put(shop.publish(), "candidate")
    answer = client.get("/v1/admin/aliases", headers=ADA).json()
    assert answer["name"] == "brightness"
    assert {alias: move["version"] for alias, move in answer["aliases"].items()} == {
        "candidate": 2,
        "production": 1,
    }
    assert answer["unreadable"] == {}


@pytest.mark.parametrize("model", ["brightness:2", ":2", "@candidate", "brightness@candidate"])
def test_a_better_version_is_promoted_and_answers_at_once(client, shop, model):
    shop.put(shop.publish(right(900, 1000)), "candidate")
    answer = client.post(
        "/v1/admin/promote", headers=ADA, json={"model": model, "reason": "new camera"}
    )
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["name"], told["alias"], told["model"]["version"]) == (
        "brightness",
        "production",
        2,
    )
    assert [gate["name"] for gate in told["gates"]] == ["bundle", *GATES]
    assert {gate["verdict"] for gate in told["gates"]} == {"pass"}
    (_, move) = shop.registry.history("brightness", "production")
    assert (move.version, move.actor, move.reason) == (2, "ada", "new camera")
    assert told["move"]["sequence"] == move.sequence


def test_another_alias_is_promoted(client, shop):
    shop.publish()
    told = client.post(
        "/v1/admin/promote", headers=ADA, json={"model": ":2", "alias": "shadow"}
    ).json()
    assert (told["alias"], told["move"]["version"]) == ("shadow", 2)
    assert (told["model"]["version"], told["model"]["shadow"]["version"]) == (1, 2)


def test_a_worse_version_is_refused_with_the_reason(client, shop, problem):
    shop.publish(right(100, 1000))
    answer = client.post("/v1/admin/promote", headers=ADA, json={"model": ":2"})
    told = problem(answer, 409, "conflict")
    assert "accuracy: -60.00 points" in told["detail"]
    assert shop.pointed_at() == 1


def test_too_little_evidence_is_no_promotion_before_somebody_takes_the_risk(client, shop, problem):
    shop.publish(right(697, 1000))
    asked = {"model": ":2"}
    told = problem(client.post("/v1/admin/promote", headers=ADA, json=asked), 409, "conflict")
    assert "accept_undecided" in told["detail"]
    answer = client.post(
        "/v1/admin/promote", headers=ADA, json={**asked, "accept_undecided": "looked at by hand"}
    )
    assert answer.status_code == 200
    assert answer.json()["move"]["reason"].endswith("looked at by hand")


def test_a_refused_version_is_forced_with_a_reason(client, shop):
    shop.publish(right(100, 1000))
    asked = {"model": ":2", "without": ["latency"], "force": "the old one is unlawful"}
    answer = client.post("/v1/admin/promote", headers=ADA, json=asked)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["move"]["reason"].endswith(": the old one is unlawful")
    verdicts = {gate["name"]: gate["verdict"] for gate in told["gates"]}
    assert (verdicts["accuracy"], verdicts["latency"]) == ("fail", "off")


@pytest.mark.parametrize(
    ("body", "status", "slug"),
    [
        (b"{", 400, "malformed"),
        (b"[]", 422, "invalid"),
        (b"{}", 422, "invalid"),
        (b'{"model": ""}', 422, "invalid"),
        (b'{"model": ":1", "margin": 1.5}', 422, "invalid"),
        (b'{"model": ":1", "force": true}', 422, "invalid"),
        (b'{"model": ":2", "accept_undecided": " "}', 422, "invalid"),
        (b'{"model": ":2", "force": " "}', 422, "invalid"),
        (b'{"model": ":2", "without": ["speed"]}', 422, "invalid"),
        (b'{"model": ":1"}', 422, "invalid"),  # it is there already
        (b'{"model": ":9"}', 404, "not-found"),
        (b'{"model": "a:b:c"}', 404, "not-found"),
        (b'{"model": ":1", "alias": "../x"}', 404, "not-found"),
        (b" " * 70_000, 413, "too-large"),
    ],
)
def test_a_promotion_that_makes_no_sense(client, problem, body, status, slug):
    headers = {**ADA, "Content-Type": "application/json"}
    problem(client.post("/v1/admin/promote", headers=headers, content=body), status, slug)


@pytest.mark.parametrize("route", ["promote", "rollback"])
def test_what_is_not_called_json_is_not_read(client, problem, route):
    sent = {"content": b'{"model": ":1"}', "headers": {**ADA, "Content-Type": "text/plain"}}
    problem(client.post(f"/v1/admin/{route}", **sent), 415, "media-type")


def test_one_version_back_and_no_further(client, shop, problem):
    shop.put(shop.publish())
    assert client.post("/v1/admin/reload", headers=ADA).json()["version"] == 2
    answer = client.post("/v1/admin/rollback", headers=ADA, json={"reason": "too dark"})
    assert answer.status_code == 200
    told = answer.json()
    assert (told["move"]["version"], told["move"]["rollback"], told["gates"]) == (1, True, [])
    assert told["model"]["version"] == 1
    assert shop.registry.history("brightness", "production")[-1].actor == "ada"
    problem(client.post("/v1/admin/rollback", headers=ADA, json={}), 404, "not-found")


def test_before_there_is_a_model(shop, follow, problem):
    client = follow(shop.registry, admin_keys=ADMINS)
    problem(client.post("/v1/admin/reload", headers=ADA), 503, "no-model")
    problem(client.get("/v1/admin/aliases", headers=ADA), 503, "no-model")
    shop.publish()
    answer = client.post("/v1/admin/promote", headers=ADA, json={"model": "brightness:1"})
    assert answer.json()["model"]["version"] == 1


def test_promotions_at_once_are_judged_one_after_the_other(client, shop):
    for number in (800, 900):
        shop.publish(right(number, 1000))

    async def both():
        return await asyncio.gather(
            *(
                client._http.post("/v1/admin/promote", headers=ADA, json={"model": f":{number}"})
                for number in (2, 3)
            )
        )

    answers = client.run(both())
    assert [answer.status_code for answer in answers] == [200, 200]
    assert [move.version for move in shop.registry.history("brightness", "production")] == [1, 2, 3]
    assert client.get("/v1/model").json()["version"] == 3
