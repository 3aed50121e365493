"""One process by itself, and one of several: what both do at their end."""

import signal
import socket
import sys
import time

import pytest
from serving.pictures import plain

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows ends by Ctrl-Break")

IMAGE = plain(250)


def request(*headers, body=IMAGE, path="/v1/predict"):
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: x",
        "Content-Type: image/png",
        f"Content-Length: {len(body)}",
        *headers,
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def connect(api):
    return socket.create_connection(("127.0.0.1", api.port), timeout=30)


def read_all(client):
    said = b""
    while piece := client.recv(65536):
        said += piece
    return said


SLOW = pytest.mark.slow


@pytest.mark.parametrize("workers", ["1", pytest.param("2", marks=SLOW)])
def test_a_request_that_was_begun_is_answered_before_the_end(start_api, workers):
    api = start_api(MLOPSPROJ_API_WORKERS=workers)
    whole = request()
    with connect(api) as begun, connect(api) as idle:
        begun.sendall(whole[:-10])
        time.sleep(0.5)
        api.process.send_signal(signal.SIGTERM)
        time.sleep(1)
        assert api.process.poll() is None
        begun.sendall(whole[-10:])
        said = read_all(begun)
        assert said.startswith(b"HTTP/1.1 200 ")
        assert b"connection: close" in said.lower()
        assert read_all(idle) == b""
    assert api.process.wait(30) == 0
    with pytest.raises(OSError, match="refused"):
        connect(api)


@pytest.mark.parametrize("sig", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=SLOW)])
def test_a_second_signal_ends_it_at_once(start_api, sig):
    api = start_api()
    with connect(api) as client:
        client.sendall(request()[:-10])
        time.sleep(0.5)
        api.process.send_signal(sig)
        time.sleep(0.5)
        assert api.process.poll() is None
        api.process.send_signal(sig)
        assert api.process.wait(10) == 128 + sig


@SLOW
def test_a_client_that_sends_no_more_holds_the_end_up_for_a_set_time(start_api):
    api = start_api(MLOPSPROJ_API_SHUTDOWN_SECONDS="1")
    with connect(api) as client:
        client.sendall(request()[:-10])
        time.sleep(0.5)
        assert api.terminate(20) == 0
        assert read_all(client).startswith(b"HTTP/1.1 503 ")
    assert "Traceback" not in api.stderr()


@SLOW
def test_an_idle_connection_is_closed_after_a_set_time(start_api):
    api = start_api(MLOPSPROJ_API_KEEP_ALIVE_SECONDS="1")
    with connect(api) as client:
        client.sendall(request())
        # Until it is closed, though nothing asks for that.
        assert read_all(client).startswith(b"HTTP/1.1 200 ")


def test_a_signal_that_arrives_twice_is_one(start_api):
    api = start_api()
    whole = request()
    with connect(api) as begun:
        begun.sendall(whole[:-10])
        time.sleep(0.5)
        for _ in range(2):  # by systemd, and by `uv run`
            api.process.send_signal(signal.SIGTERM)
            time.sleep(0.02)  # or they are one for the kernel too
        begun.sendall(whole[-10:])
        assert read_all(begun).startswith(b"HTTP/1.1 200 ")
    assert api.process.wait(30) == 0


def test_under_nohup_it_outlives_the_terminal(start_api):
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        api = start_api()
    finally:
        signal.signal(signal.SIGHUP, before)
    api.process.send_signal(signal.SIGHUP)
    time.sleep(0.5)
    with connect(api) as client:
        client.sendall(request("Connection: close"))
        assert read_all(client).startswith(b"HTTP/1.1 200 ")
    assert api.terminate() == 0
