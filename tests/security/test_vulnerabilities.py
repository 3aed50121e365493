"""A known vulnerability fails, and an index that does not answer is never taken for a clean one."""

import json
import socket
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

FAILED, FOUND, UNKNOWN = 1, 3, 4
PLANTED = {
    "id": "PYSEC-2026-1",
    "modified": "2026-01-01T00:00:00Z",
    "published": "2026-01-01T00:00:00Z",
    "summary": "planted by a test",
    "affected": [
        {
            "package": {"name": "pillow", "ecosystem": "PyPI"},
            "ranges": [
                {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "99.0"}]},
            ],
        }
    ],
}


@contextmanager
def osv(vulnerable, status=200):
    """A stand-in for OSV's API that knows the planted vulnerability of one distribution."""

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self):
            queries = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["queries"]
            known = {"vulns": [{"id": PLANTED["id"], "modified": PLANTED["modified"]}]}
            names = [query["package"]["name"] for query in queries]
            self.answer({"results": [known if name == vulnerable else {} for name in names]})

        def do_GET(self):
            self.answer(PLANTED)

        def answer(self, value):
            body = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


@pytest.fixture(autouse=True)
def _uv(root, tmp_path, monkeypatch):
    if not (root / "uv.lock").exists():
        pytest.skip("uv has not made a lock here")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))  # uv keeps what OSV said
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def test_a_planted_vulnerability_is_told_with_its_mend(check):
    with osv("pillow") as index:
        code, told = check("vulnerabilities", "--index", index)
    assert code == FOUND
    assert "pillow " in told
    assert "PYSEC-2026-1, planted by a test (mended in 99.0" in told


def test_without_one_it_says_of_how_many(check):
    with osv(None) as index:
        code, told = check("vulnerabilities", "--index", index)
    assert code == 0
    assert "knows of no vulnerability of" in told


def test_where_the_index_is_away_nothing_is_claimed(check):
    with socket.socket() as taken:  # bound, and nobody listens
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}/"
        code, told = check("vulnerabilities", "--index", address)
    assert code == UNKNOWN
    assert f"NOT CHECKED: {address} does not answer" in told
    assert "no vulnerability" not in told


def test_an_index_that_fails_is_a_failure(check):
    with osv(None, status=400) as index:
        assert check("vulnerabilities", "--index", index)[0] == FAILED
