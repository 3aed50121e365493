"""A server of its own process, which signals end."""

import signal
import socket
import subprocess
import sys

import pytest
from serving.server import APART, END

PROGRAM = """
import asyncio, sys
from fastapi import FastAPI
from mlopsproj_serving.process.listening import listen
from mlopsproj_serving.process.server import Server
from mlopsproj_serving.process.settings import ServiceSettings

app = FastAPI()

@app.get("/slow")
async def slow():
    print("begun", flush=True)
    await asyncio.sleep(1)
    return "done"

with listen("127.0.0.1", 0, service="shop") as listener:
    port = listener.getsockname()[1]
    Server(app, ServiceSettings(), ready=lambda: print(port, flush=True)).run([listener])
"""


@pytest.fixture
def server():
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, text=True, **APART
    ) as process:
        yield process, int(process.stdout.readline())
        process.kill()


def asked(process, port):
    client = socket.create_connection(("127.0.0.1", port), timeout=60)
    client.sendall(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
    assert process.stdout.readline() == "begun\n"
    return client


def test_what_was_accepted_is_answered_and_the_end_is_0(server):
    process, port = server
    with asked(process, port) as client:
        process.send_signal(END)
        said = b"".join(iter(lambda: client.recv(4096), b""))
    assert said.startswith(b"HTTP/1.1 200 ")
    assert b"connection: close" in said
    assert process.wait(60) == 0


@pytest.mark.skipif(sys.platform == "win32", reason="a console's Ctrl-C cannot be sent there")
def test_a_server_that_nobody_asks_ends_too(server):
    process, _ = server
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 0
