"""What clients do to connections: a real server, and sockets that misbehave."""

import json
import socket
import threading
import time

import pytest
from mlopsproj_serving.config import Limits
from mlopsproj_serving.routes.predict import Shortcut

LIMITS = Limits(body_bytes=1_000_000, body_seconds=0.3)


@pytest.fixture(scope="module")
def server(serve):
    """An application and the port at which it listens."""
    client = serve(limits=LIMITS)
    with client.listening() as port:
        yield client, port


@pytest.fixture
def connect(server):
    """Opens connections to the server."""
    opened = []

    def open_():
        connection = socket.create_connection(("127.0.0.1", server[1]), timeout=20)
        opened.append(connection)
        return connection

    yield open_
    for connection in opened:
        connection.close()


def head(length, *more):
    lines = [b"POST /v1/predict HTTP/1.1", b"Host: test", b"Content-Type: image/jpeg"]
    if length is not None:
        lines.append(b"Content-Length: %d" % length)
    return b"\r\n".join([*lines, *more, b"", b""])


def answer_of(connection):
    """Status, headers and body of one answer."""
    received = b""
    while b"\r\n\r\n" not in received:
        piece = connection.recv(65536)
        assert piece, f"closed after {received!r}"
        received += piece
    start, _, body = received.partition(b"\r\n\r\n")
    lines = start.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines[1:])
    while len(body) < int(headers["content-length"]):
        body += connection.recv(65536)
    return int(lines[0].split()[1]), headers, json.loads(body)


def requests_with(server, status):
    page = server[0].app.state.metrics.render().decode()
    return sum(
        float(line.split()[-1])
        for line in page.splitlines()
        if "requests_total{" in line and f'status="{status}"' in line
    )


def until(condition):
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_a_connection_is_kept_for_the_next_image(connect, image):
    connection = connect()
    for level, label in [(10, "dark"), (250, "bright")]:
        connection.sendall(head(len(image(level))) + image(level))
        status, _, told = answer_of(connection)
        assert (status, told["predictions"][0]["class"]) == (200, label)


def test_a_body_may_come_in_pieces(connect, image):
    connection = connect()
    data = image(10)
    connection.sendall(head(len(data)) + data[:100])
    time.sleep(0.05)
    connection.sendall(data[100:])

    assert answer_of(connection)[0] == 200


def test_a_body_may_be_chunked(connect, image):
    connection = connect()
    data = image(10)
    connection.sendall(head(None, b"Transfer-Encoding: chunked"))
    for start in range(0, len(data), 300):
        piece = data[start : start + 300]
        connection.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
    connection.sendall(b"0\r\n\r\n")

    assert answer_of(connection)[0] == 200


def test_too_large_a_body_is_refused_without_being_read(connect):
    connection = connect()
    connection.sendall(head(LIMITS.body_bytes + 1, b"Expect: 100-continue"))

    status, _, told = answer_of(connection)

    assert status == 413
    assert told["type"].endswith(":too-large")


def test_whoever_sends_it_all_the_same_is_answered_and_may_go_on(connect, image):
    connection = connect()
    size = 20 * LIMITS.body_bytes
    connection.sendall(head(size))
    piece = bytes(100_000)
    for _ in range(size // len(piece)):
        connection.sendall(piece)
    assert answer_of(connection)[0] == 413

    connection.sendall(head(len(image())) + image())
    assert answer_of(connection)[0] == 200


def test_chunks_without_end_are_refused(connect):
    connection = connect()
    connection.sendall(head(None, b"Transfer-Encoding: chunked"))
    for _ in range(15):
        connection.sendall(b"%x\r\n%s\r\n" % (100_000, bytes(100_000)))

    assert answer_of(connection)[0] == 413


@pytest.mark.parametrize("sent", [0, 100])
def test_a_body_that_stops_coming_is_given_up(connect, image, sent):
    connection = connect()
    connection.sendall(head(len(image())) + image()[:sent])

    status, headers, told = answer_of(connection)

    assert status == 408
    assert headers["connection"] == "close"
    assert "0.3 s" in told["detail"]
    assert connection.recv(1) == b""


def test_slow_clients_do_not_hold_up_others(connect, image):
    slow = [connect() for _ in range(50)]
    for connection in slow:
        connection.sendall(head(1000) + b"x")
    quick = connect()
    quick.sendall(head(len(image())) + image())

    assert answer_of(quick)[0] == 200
    for connection in slow:
        assert answer_of(connection)[0] == 408


def test_whoever_leaves_in_the_middle_of_a_body_is_forgotten(server, connect, image, caplog):
    before = requests_with(server, 499)
    connection = connect()
    connection.sendall(head(len(image())) + image()[:100])
    time.sleep(0.05)
    connection.close()

    until(lambda: requests_with(server, 499) == before + 1)
    assert caplog.text == ""


def test_the_images_of_whoever_leaves_are_not_computed(server, connect, image, monkeypatch, caplog):
    service = server[0].app.state.service
    predictor = service.current.predictor
    run, computing, go, runs = predictor.run, threading.Event(), threading.Event(), []

    def slow_run(images):
        runs.append(images)
        computing.set()
        assert go.wait(20)
        return run(images)

    monkeypatch.setattr(predictor, "run", slow_run)
    before = requests_with(server, 499)
    stays, leaves = connect(), connect()
    stays.sendall(head(len(image())) + image())
    assert computing.wait(20)  # the only thread is busy
    leaves.sendall(head(len(image())) + image())
    until(lambda: service.admission.inside == 2)
    leaves.close()

    until(lambda: service.admission.inside == 1)
    go.set()

    assert answer_of(stays)[0] == 200
    until(lambda: requests_with(server, 499) == before + 1)
    assert service.admission.inside == 0
    assert len(runs) == 1
    assert caplog.text == ""


def test_whoever_waits_long_is_answered_all_the_same(server, connect, image, monkeypatch):
    """Longer than until somebody looks whether the client is gone."""
    predictor = server[0].app.state.service.current.predictor
    run = predictor.run

    def slow_run(images):
        time.sleep(0.2)
        return run(images)

    monkeypatch.setattr(predictor, "run", slow_run)
    connection = connect()
    for _ in range(2):
        connection.sendall(head(len(image())) + image())
        assert answer_of(connection)[0] == 200


def test_requests_may_follow_without_waiting_for_the_answers(connect, image):
    connection = connect()
    connection.sendall(b"".join(head(len(image(level))) + image(level) for level in (10, 250)))

    received = b""
    while received.count(b'"ood_score"') < 2:
        piece = connection.recv(65536)
        assert piece
        received += piece
    assert received.index(b'"class":"dark"') < received.rindex(b'"class":"bright"')


@pytest.mark.parametrize(
    "data", [b"\x16\x03\x01\x02\x00", b"GET\r\n\r\n", b"POST /v1/predict\r\n\r\n"]
)
def test_what_is_no_http_does_no_harm(connect, image, data):
    strange = connect()
    strange.sendall(data)
    strange.shutdown(socket.SHUT_WR)
    while strange.recv(65536):
        pass
    connection = connect()
    connection.sendall(head(len(image())) + image())

    assert answer_of(connection)[0] == 200


def test_many_bodies_that_wait_do_not_fill_the_memory(serve, image, problem):
    limits = Limits(held_bytes=50_000, body_seconds=20)
    small = serve(limits=limits)
    with small.listening() as port:
        waiting = socket.create_connection(("127.0.0.1", port), timeout=20)
        try:
            waiting.sendall(head(60_000) + bytes(45_000))
            until(lambda: small.app.middleware_stack is not None and held(small) == 45_000)

            answer = small.post(
                "/v1/predict", content=bytes(6_000), headers={"content-type": "image/jpeg"}
            )

            problem(answer, 503, "overloaded")
            assert int(answer.headers["retry-after"]) >= 1
            assert held(small) == 45_000
        finally:
            waiting.close()
        until(lambda: held(small) == 0)
    answer = small.post("/v1/predict", content=image(), headers={"content-type": "image/jpeg"})
    assert answer.status_code == 200


def held(client):
    """The bytes that the requests of an application hold."""
    layer = client.app.middleware_stack
    while not isinstance(layer, Shortcut):
        layer = getattr(layer, "app", None) or layer._app
    return layer._held.total


def test_whoever_leaves_before_the_feedback_is_there_is_forgotten(server, connect, caplog):
    before = requests_with(server, 499)
    connection = connect()
    connection.sendall(
        head(100)
        .replace(b"/v1/predict", b"/v1/feedback")
        .replace(b"image/jpeg", b"application/json")
    )
    time.sleep(0.05)
    connection.close()

    until(lambda: requests_with(server, 499) == before + 1)
    assert caplog.text == ""
