import asyncio
import logging

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from mlopsproj_serving.http.edge import ELSEWHERE, Edge
from mlopsproj_serving.http.problems import CLIENT_GONE
from mlopsproj_serving.telemetry.metrics import Metrics

HEX = set("0123456789abcdef")


class Counted(Metrics):
    """Remembers each request beside counting it."""

    def __init__(self):
        super().__init__()
        self.requests = []

    def request(self, **request):
        super().request(**request)
        self.requests.append(request)


@pytest.fixture
def edge():
    app = FastAPI()

    @app.get("/items/{item}")
    async def item(item: str):
        return {"item": item}

    @app.post("/items")
    async def take(request: dict):
        return {}

    @app.get("/broken")
    async def broken():
        raise ValueError("a defect")

    lines = []
    app.state.metrics = Counted()
    app.add_middleware(Edge, metrics=app.state.metrics, access=lines.append)
    return app, lines


def ask(app, method, path, **options):
    async def asked():
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.request(method, path, **options)

    return asyncio.run(asked())


def test_a_request_has_an_id_a_line_a_count_and_headers(edge):
    app, lines = edge
    answer = ask(app, "GET", "/items/7?key=secret")
    assert answer.json() == {"item": "7"}
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    request_id = answer.headers["x-request-id"]
    assert len(request_id) == 32
    assert set(request_id) <= HEX
    (line,) = lines
    assert (line.request_id, line.method, line.path, line.route, line.status, line.client) == (
        *(request_id, "GET", "/items/7", "/items/{item}", 200, "127.0.0.1"),
    )
    assert "secret" not in repr(line)
    (counted,) = app.state.metrics.requests
    assert counted["route"] == "/items/{item}"
    assert line.milliseconds == pytest.approx(counted["seconds"] * 1e3, abs=0.001)


def test_what_is_sent_is_not_in_the_line_but_its_size_is(edge):
    app, lines = edge
    headers = {"Authorization": "Bearer secret", "Content-Type": "application/json"}
    ask(app, "POST", "/items", content=b'{"a": "secret"}', headers=headers)
    (line,) = lines
    assert line.received_bytes == 15
    assert "secret" not in repr(line)


@pytest.mark.parametrize("given", ["0f9-A_b.c", "a" * 128, "Root=1-67891233-abcdef", "a/b:c+d"])
def test_a_sane_id_of_the_client_is_kept(edge, given):
    app, lines = edge
    answer = ask(app, "GET", "/items/7", headers={"X-Request-ID": given})
    assert answer.headers["x-request-id"] == given
    assert lines[0].request_id == given


@given(st.binary(max_size=200))
def test_no_id_of_a_client_breaks_a_header_or_a_line(given):
    async def inner(scope, receive, send):
        await send({"type": "http.response.start", "status": 204})
        await send({"type": "http.response.body"})

    sent = []

    async def send(message):
        sent.append(message)

    headers = [(b"x-request-id", given)]
    scope = {"type": "http", "method": "GET", "path": "/", "headers": headers}
    asyncio.run(Edge(inner, metrics=Metrics())(scope, None, send))
    answered = dict(sent[0]["headers"])[b"x-request-id"]
    assert 0 < len(answered) <= 128
    assert all(33 <= byte < 127 for byte in answered)
    assert scope["state"]["request_id"] == answered.decode()


def test_paths_that_clients_make_up_share_one_series(edge):
    app, _ = edge
    for path in ("/a", "/b/c", "/items/7/8"):
        assert ask(app, "GET", path).status_code == 404
    assert {request["route"] for request in app.state.metrics.requests} == {ELSEWHERE}


def test_a_defect_becomes_a_problem_and_a_traceback_in_the_log(edge, caplog):
    app, lines = edge
    with caplog.at_level(logging.ERROR):
        answer = ask(app, "GET", "/broken")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == 500
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert "defect" not in answer.text
    (record,) = (r for r in caplog.records if r.name == "mlopsproj_serving.http.edge")
    assert problem["request_id"] in record.message
    assert "a defect" in record.exc_text
    assert [line.status for line in lines] == [500]
    assert [request["status"] for request in app.state.metrics.requests] == [500]


def run_alone(inner, **edge):
    """Send one request through an edge around `inner`; what was sent back."""
    sent = []

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/x", "headers": []}
    app = Edge(inner, metrics=Counted(), **edge)
    asyncio.run(app(scope, None, send))
    return app._metrics.requests, sent


def test_a_defect_after_the_answer_began_sends_no_second_one(caplog):
    async def inner(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ValueError("late")

    requests, sent = run_alone(inner)
    assert [message["type"] for message in sent] == ["http.response.start"]
    assert [request["status"] for request in requests] == [200]
    assert "late" in caplog.text


def test_a_client_that_left_is_counted_as_such():
    async def inner(scope, receive, send):
        """Nobody is there to be answered."""

    requests, sent = run_alone(inner)
    assert not sent
    assert [request["status"] for request in requests] == [CLIENT_GONE]


def test_a_cancelled_request_is_answered_all_the_same_and_stays_cancelled():
    async def inner(scope, receive, send):
        raise asyncio.CancelledError

    sent = []

    async def send(message):
        sent.append(message)

    app = Edge(inner, metrics=Counted())
    scope = {"type": "http", "method": "GET", "path": "/x", "headers": []}
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(app(scope, None, send))
    assert [request["status"] for request in app._metrics.requests] == [503]
    assert sent[0]["status"] == 503
    assert (b"retry-after", b"1") in sent[0]["headers"]


def test_what_is_no_request_passes_through():
    seen = []

    async def inner(scope, receive, send):
        seen.append(scope)

    scope = {"type": "lifespan"}
    asyncio.run(Edge(inner, metrics=Metrics())(scope, None, None))
    assert seen == [{"type": "lifespan"}]
