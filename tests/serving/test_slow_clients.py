"""Clients that dribble, stall, vanish or lie about their bodies harm nobody else."""

import socket

import pytest
from serving.load import Ask, Load, ask_once
from serving.pictures import jpeg
from serving.slow_clients import HEAD, SlowClients

JPEG = jpeg(100, 100)


def spoken(port: int, *pieces: bytes) -> bytes:
    """Say something over a connection, and hear the head of what is answered, if anything is."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        heard = b""
        try:
            for piece in pieces:
                connection.sendall(piece)
            while b"\r\n\r\n" not in heard and (data := connection.recv(65536)):
                heard += data
        except ConnectionError:  # it need not hear us out
            pass
        return heard


@pytest.mark.slow
def test_hundreds_of_slow_clients_are_hung_up_on_and_others_are_answered(make_api):
    api = make_api(MLOPSPROJ_API_LOG="0", MLOPSPROJ_API_BODY_SECONDS="3").start()
    before = api.sockets()
    with SlowClients(api.port, 400) as slow:
        with Load(api.port, lambda _: Ask(JPEG), clients=4) as load:
            load.wait_for(200)
        assert {answer.status for answer in load.answers} == {200}, load.summary()
        api.wait_until(lambda: not slow.open, "leaves slow clients connected")
    assert {client.heard.split(b"\r\n")[0] for client in slow.clients} <= {
        b"",
        b"HTTP/1.1 408 Request Timeout",
    }
    api.wait_until(lambda: api.sockets() <= before + 1, "keeps sockets open")
    assert api.predict(JPEG).status_code == 200
    assert "Traceback" not in api.stderr()


@pytest.mark.slow
def test_clients_that_vanish_in_the_middle_are_forgotten(make_api):
    api = make_api(MLOPSPROJ_API_LOG="0").start()
    whole = HEAD + f"Content-Length: {len(JPEG)}\r\n\r\n".encode() + JPEG
    for number in range(200):
        with socket.create_connection(("127.0.0.1", api.port)) as connection:
            connection.sendall(whole[: len(whole) * number // 199])
    assert api.predict(JPEG).status_code == 200
    api.wait_until(lambda: api.sockets() <= 2, "keeps sockets of those that are gone")
    assert "Traceback" not in api.stderr()


def test_bodies_that_are_too_large_are_refused_before_they_are_read(shared_api):
    claimed = HEAD + b"Content-Length: 99999999999\r\n\r\n"
    assert spoken(shared_api.port, claimed).startswith(b"HTTP/1.1 413")
    megabyte = b"100000\r\n" + bytes(2**20) + b"\r\n"
    endless = [HEAD + b"Transfer-Encoding: chunked\r\n\r\n", *[megabyte] * 200]
    # The kernel may lose an answer to one who goes on talking.
    assert spoken(shared_api.port, *endless)[:12] in {b"", b"HTTP/1.1 413"}
    assert shared_api.predict(JPEG).status_code == 200


@pytest.mark.parametrize(
    "said",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100),  # TLS
        b"GET\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        HEAD + b"Content-Length: minus one\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
        HEAD + b"X: " + b"y" * 200_000 + b"\r\n\r\n",
        b"GET /" + b"y" * 200_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ],
    ids=["tls", "no path", "ssh", "bad length", "bad chunk", "long header", "long path"],
)
def test_what_is_no_request_is_refused(shared_api, said):
    heard = spoken(shared_api.port, said)
    assert heard == b"" or heard.startswith(b"HTTP/1.1 4")
    assert shared_api.predict(JPEG).status_code == 200


@pytest.mark.parametrize(
    ("media_type", "body"),
    [
        ("multipart/form-data", JPEG),
        ("multipart/form-data; boundary=x", JPEG),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data\r\n\r\n"),
        ("multipart/form-data; boundary=x", b"--x--\r\n"),
        ("application/json", b""),
        ("application/json", b"{"),
        ("application/json", b"[" * 100_000),
        ("application/json", b'{"images": 5}'),
        ("application/json", b"\xff\xfe"),
        ("application/json", b'{"images": []}'),
        ("text/plain", b"hello"),
    ],
)
def test_bodies_that_say_nothing_are_refused_with_a_reason(shared_api, media_type, body):
    answer = ask_once(shared_api.port, Ask(body, {"Content-Type": media_type}))
    assert 400 <= answer.status < 500
    assert len(answer.json["detail"]) > 10


HIDDEN = b"GET /v1/model HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.mark.parametrize(
    "framing",
    [
        b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" % (5 + len(HIDDEN)),
        b"Transfer-Encoding: chunked\r\nContent-Length: %d\r\n\r\n0\r\n\r\n" % (5 + len(HIDDEN)),
        b"Content-Length: 0\r\nContent-Length: %d\r\n\r\n" % len(HIDDEN),
        b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding : chunked\r\nContent-Length: %d\r\n\r\n0\r\n\r\n" % (5 + len(HIDDEN)),
        b"X: a\nTransfer-Encoding: chunked\r\nContent-Length: %d\r\n\r\n0\r\n\r\n" % len(HIDDEN),
    ],
    ids=["length, chunks", "chunks, length", "two lengths", "not chunked", "a blank", "a bare end"],
)
def test_a_request_cannot_hide_another(shared_api, framing):
    """A proxy may see one request where a lenient server sees two."""
    with socket.create_connection(("127.0.0.1", shared_api.port), timeout=10) as connection:
        connection.sendall(HEAD + framing + HIDDEN)
        heard = b"".join(iter(lambda: connection.recv(65536), b""))  # until it hangs up
    assert heard.startswith(b"HTTP/1.1 400")
    assert heard.count(b"HTTP/1.1 ") == 1
