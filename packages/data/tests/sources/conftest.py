"""Folders of small image files, and a real web server over a folder."""

import http.server
import threading
import zlib
from contextlib import contextmanager

import numpy as np
import pytest
from PIL import Image


@pytest.fixture(scope="session")
def write_images():
    """Writes colour images of given shorter sides below a folder, each with other pixels."""

    def write(folder, sides, *, mode="RGB"):
        for name, side in sides.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            generator = np.random.default_rng(zlib.crc32(name.encode(errors="replace")))
            pixels = generator.integers(0, 256, (side, side + 10, 3), dtype=np.uint8)
            Image.fromarray(pixels).convert(mode).save(path)
        return folder

    return write


class _Handler(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.asked.append(self.path)
        part = self.path.rpartition("/")[2]
        if part == "broken.png":  # promises more than it sends
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b"x")
            self.close_connection = True
        elif part == "endless.png":  # promises nothing and never ends
            self.send_response(200)
            self.send_header("Connection", "close")
            self.end_headers()
            self.close_connection = True
            try:
                while True:
                    self.wfile.write(b"x" * 2**20)
            except OSError:
                pass
        elif part == "silent.png":  # says nothing until the client hangs up
            self.rfile.read(1)
        elif part == "forbidden.png":
            self.send_error(403)
        elif part == "local.png":  # leads to a file of the machine
            self.send_response(302)
            self.send_header("Location", "file:///etc/hostname")
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            super().do_GET()

    def log_message(self, *args):
        pass


class _Server(http.server.ThreadingHTTPServer):
    def handle_error(self, *args):
        """A client that hangs up is no error here."""


@pytest.fixture
def web(tmp_path):
    """A server over the folder `web`; `url` leads to it, `asked` lists what it was asked for."""
    (tmp_path / "web").mkdir()

    def handler(*args):
        return _Handler(*args, directory=tmp_path / "web")

    with _Server(("127.0.0.1", 0), handler) as server:
        server.folder = tmp_path / "web"
        server.url = f"http://127.0.0.1:{server.server_port}"
        server.asked = []
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def full_disk():
    """Within it no file can grow beyond 100,000 bytes, which is told as a full disk is."""
    resource = pytest.importorskip("resource", reason="Windows has no RLIMIT_FSIZE")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    @contextmanager
    def limited():
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    return limited
