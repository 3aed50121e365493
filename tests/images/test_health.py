"""The health check of the images says whether a service answers."""

import http.server
import subprocess
import sys
import threading

import pytest
from images.pins import PINS
from serving.server import free_port


def check(port, environment=None):
    return subprocess.run(
        [sys.executable, PINS.parent / "health.py", str(port)],
        env={} if environment is None else environment,
        timeout=30,
        check=False,
    ).returncode


@pytest.fixture
def service():
    """`service(status)`: the port of one that answers `/livez` so."""
    servers = []

    def start(status):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(status if self.path == "/livez" else 404)
                self.end_headers()

            def log_message(self, *_):
                pass

        servers.append(http.server.HTTPServer(("127.0.0.1", 0), Handler))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return servers[-1].server_port

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_a_service_that_answers_lives(service):
    assert check(service(200)) == 0


def test_the_port_of_the_environment_counts(service):
    assert check(free_port(), {"PORT": str(service(200))}) == 0


def test_one_that_fails_or_is_not_there_does_not(service):
    assert check(service(503)) == 1
    assert check(free_port()) == 1
