"""The built site behind an address of its own, and a browser.

`nox -s docs` builds it and says where it lies; elsewhere these tests are skipped.
"""

import functools
import http.server
import os
import shutil
import threading
from pathlib import Path

import pytest

QUIET = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--no-first-run"),
)
# The theme draws into a closed shadow, which nobody can look into.
OPEN = """
const attach = Element.prototype.attachShadow;
Element.prototype.attachShadow = function (how) {
  return attach.call(this, {...how, mode: "open"})
};
"""


@pytest.fixture(scope="session")
def site():
    """The folder of the built site."""
    folder = os.environ.get("DOCS_SITE")
    if not folder:
        pytest.skip("`nox -s docs` builds the site and runs this")
    return Path(folder)


@pytest.fixture(scope="session")
def address(site):
    """Where the site is served, without a slash at its end."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    handler = functools.partial(Handler, directory=site)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="session")
def browser():
    """Chromium."""
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("chromium is not installed: apt-get install chromium")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=path, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def page(browser):
    """An empty page, and what it asks for and complains of, as `asked` and `complaints`."""
    page = browser.new_page()
    page.add_init_script(OPEN)
    page.asked, page.complaints = [], []
    page.on("request", lambda request: page.asked.append(request.url))
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    yield page
    page.close()
