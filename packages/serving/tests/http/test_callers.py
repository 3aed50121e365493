import pytest
from mlopsproj_serving.http.callers import Callers, address_of, presented_key
from mlopsproj_serving.http.keys import KeyRing, new_key
from mlopsproj_serving.http.problems import ProblemError

RAW = {"content-type": "image/jpeg"}


@pytest.fixture
def key():
    return new_key()


def scope(*headers, client=("10.0.0.1", 1)):
    return {"headers": list(headers), "client": client}


def test_without_keys_everyone_may_ask():
    callers = Callers(KeyRing({}), requests_per_minute=None)

    assert callers.admit(scope((b"authorization", b"Bearer whatever"))) is None


@pytest.mark.parametrize(
    "header",
    [
        (b"authorization", b"Bearer %s"),
        (b"authorization", b"bearer  %s "),
        (b"x-api-key", b"%s"),
    ],
)
def test_a_key_may_come_in_two_headers(key, header):
    callers = Callers(KeyRing({"phone": key[1]}), requests_per_minute=None)

    assert callers.admit(scope((header[0], header[1] % key[0].encode()))) == "phone"


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [(b"authorization", b"Basic abc")],
        [(b"authorization", b"Bearer ")],
        [(b"x-api-key", b"\xff")],
    ],
)
def test_whoever_brings_no_known_key_is_told_how_to(key, headers):
    callers = Callers(KeyRing({"phone": key[1]}), requests_per_minute=None)

    with pytest.raises(ProblemError, match="Authorization: Bearer") as refused:
        callers.admit(scope(*headers))

    assert refused.value.kind.status == 401
    assert refused.value.headers["WWW-Authenticate"].startswith("Bearer")


def test_keys_are_limited_by_key_and_others_by_address(key):
    keyed = Callers(KeyRing({"phone": key[1]}), requests_per_minute=1)
    presented = (b"x-api-key", key[0].encode())
    keyed.admit(scope(presented, client=("10.0.0.1", 1)))
    with pytest.raises(ProblemError):
        keyed.admit(scope(presented, client=("10.0.0.2", 1)))

    keyless = Callers(KeyRing({}), requests_per_minute=1)
    keyless.admit(scope(client=("10.0.0.1", 1)))
    keyless.admit(scope(client=("10.0.0.2", 1)))
    with pytest.raises(ProblemError) as refused:
        keyless.admit(scope(client=("10.0.0.2", 99)))
    assert refused.value.kind.status == 429
    assert refused.value.headers["Retry-After"] == "60"


@pytest.mark.parametrize(
    ("client", "address"),
    [
        (None, "unknown"),
        (("10.0.0.1", 1), "10.0.0.1"),
        (("2001:db8:1:2:3:4:5:6", 1), "2001:db8:1:2::/64"),
        (("2001:db8:1:2::1", 1), "2001:db8:1:2::/64"),
        (("fe80::1%eth0", 1), "fe80::/64"),
        (("::ffff:10.0.0.1", 1), "::ffff:10.0.0.1"),
        (("a:socket", 1), "a:socket"),
    ],
)
def test_an_address_is_what_one_host_has(client, address):
    assert address_of({"client": client}) == address


def test_the_first_key_counts():
    headers = [(b"accept", b"*/*"), (b"x-api-key", b"one"), (b"authorization", b"Bearer two")]

    assert presented_key(headers) == "one"


@pytest.mark.parametrize(
    ("method", "url"),
    [("POST", "/v1/predict"), ("POST", "/v1/feedback"), ("GET", "/v1/predictions/x")],
)
def test_every_route_asks_for_a_key(serve, problem, key, method, url):
    keyed = serve(keys=KeyRing({"phone": key[1]}))

    answer = keyed.request(method, url)

    problem(answer, 401, "unauthorized")
    assert answer.headers["www-authenticate"].startswith("Bearer")
    known = keyed.request(method, url, headers={"authorization": f"Bearer {key[0]}"})
    assert known.status_code not in (200, 401)


def test_health_needs_no_key(serve, key):
    keyed = serve(keys=KeyRing({"phone": key[1]}))

    assert keyed.get("/livez").status_code == 200


def test_every_route_counts_towards_the_rate(serve, image, problem):
    slow = serve(requests_per_minute=2)

    assert slow.post("/v1/predict", content=image(), headers=RAW).status_code == 200
    assert slow.get("/v1/predictions/x").status_code == 404
    answer = slow.post("/v1/predict", content=image(), headers=RAW)

    problem(answer, 429, "rate")
    assert 1 <= int(answer.headers["retry-after"]) <= 30
    assert slow.get("/livez").status_code == 200


def test_whoever_is_refused_is_counted(serve, key):
    keyed = serve(keys=KeyRing({"phone": key[1]}))
    before = keyed.app.state.metrics.render().decode()
    keyed.post("/v1/predict")
    after = keyed.app.state.metrics.render().decode()

    assert 'refusals_total{reason="key"} 1' not in before
    assert 'refusals_total{reason="key"} 1' in after
