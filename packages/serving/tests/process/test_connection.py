"""Connections on which no request comes, over real sockets."""

import asyncio
import socket

import pytest
import uvicorn
from mlopsproj_serving.process.connection import MAX_HEAD_BYTES, connections_within
from uvicorn.server import ServerState

HEAD = b"GET / HTTP/1.1\r\nHost: localhost\r\n"
SECONDS = 0.3


async def app(scope, receive, send):
    """Answers at once, and reads no body."""
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]}
    )
    await send({"type": "http.response.body", "body": b"ok"})


async def late(scope, receive, send):
    """Answers when all has been said."""
    await asyncio.sleep(SECONDS)
    await app(scope, receive, send)


async def without_end(scope, receive, send):
    """Answers for as long as somebody listens."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    while not scope["state"]["gone"].is_set():
        body = {"type": "http.response.body", "body": bytes(2**20), "more_body": True}
        await send(body)
        await asyncio.sleep(0)


async def heard(pieces, *, app=app, pause=0.0, seconds=SECONDS):
    """What a server says to one who says this, until it hangs up."""
    config = uvicorn.Config(app, log_config=None, lifespan="off", http=connections_within(seconds))
    config.load()
    state = ServerState()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: config.http_protocol_class(config=config, server_state=state, app_state={}),
        "127.0.0.1",
        0,
    )
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    try:
        async with asyncio.timeout(30):
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(pause)
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()
        server.close()


@pytest.mark.parametrize("pieces", [[], [b"\r\n"]])
def test_silence_is_hung_up_on(pieces):
    assert asyncio.run(heard(pieces)) == b""


def test_half_a_head_is_told_that_it_came_too_late():
    assert asyncio.run(heard([HEAD])).startswith(b"HTTP/1.1 408 Request Timeout\r\n")


def test_bytes_that_dribble_give_no_more_time():
    said = asyncio.run(heard([HEAD, *[b"X: y\r\n"] * 40], pause=0.05))
    assert said.startswith(b"HTTP/1.1 408") or said == b""


def test_a_head_without_end_is_refused():
    pieces = [HEAD, *[b"X: " + b"y" * 10_000 + b"\r\n"] * (3 * MAX_HEAD_BYTES // 10_000)]
    said = asyncio.run(heard(pieces, seconds=20))
    assert said.startswith(b"HTTP/1.1 431") or said == b""


def test_requests_are_answered_and_the_next_one_has_its_own_time():
    request = HEAD + b"\r\n"
    last = HEAD + b"Connection: close\r\n\r\n"
    pieces = [request, request[:5], request[5:], request, last]
    said = asyncio.run(heard(pieces, pause=SECONDS / 2))
    assert said.count(b"HTTP/1.1 200 OK") == 4


def test_an_idle_connection_is_kept_for_longer():
    pieces = [HEAD + b"\r\n", HEAD + b"Connection: close\r\n\r\n"]
    said = asyncio.run(heard(pieces, pause=SECONDS * 2))
    assert said.count(b"HTTP/1.1 200 OK") == 2


def test_what_follows_an_answer_has_its_time_too():
    body = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n"
    said = asyncio.run(heard([body, *[b"x"] * 3], pause=0.05))
    assert said.count(b"HTTP/1.1 200 OK") == 1


def test_requests_that_come_before_the_answers_are_all_answered():
    request = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3000\r\n\r\n" + bytes(3000)
    last = HEAD + b"Connection: close\r\n\r\n"
    many = 2 * MAX_HEAD_BYTES // len(request)
    # The beginning of the last head arrives in one read with all that is before it.
    said = asyncio.run(heard([request * many + last[:20], last[20:]], pause=0.05, seconds=20))
    assert said.count(b"HTTP/1.1 200 OK") == many + 1


def test_a_refusal_never_stands_within_an_answer():
    pieces = [HEAD + b"\r\n" + HEAD, *[b"X: " + b"y" * 10_000 + b"\r\n"] * 30]
    said = asyncio.run(heard(pieces, app=late, seconds=20))
    assert said == b"" or said.startswith(b"HTTP/1.1 200 OK")


async def hung_up_on_one_who_does_not_listen():
    """Asks for an answer without end, and reads none of it."""
    gone = asyncio.Event()
    config = uvicorn.Config(
        without_end, log_config=None, lifespan="off", http=connections_within(SECONDS)
    )
    config.load()
    loop = asyncio.get_running_loop()
    made = []

    class Connection(config.http_protocol_class):
        def connection_lost(self, exc):
            super().connection_lost(exc)
            gone.set()

    def connect():
        made.append(Connection(config=config, server_state=ServerState(), app_state={"gone": gone}))
        return made[-1]

    server = await loop.create_server(connect, "127.0.0.1", 0)
    with socket.create_connection(server.sockets[0].getsockname()) as client:
        client.sendall(HEAD + b"\r\n")
        async with asyncio.timeout(30):
            await gone.wait()
    server.close()
    return made[0]


def test_who_does_not_take_the_answer_is_hung_up_on():
    connection = asyncio.run(hung_up_on_one_who_does_not_listen())
    assert connection.cycle.disconnected
