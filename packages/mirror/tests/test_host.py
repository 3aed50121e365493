import socket

import pytest
from mlopsproj_core.errors import MirrorError
from mlopsproj_mirror.host import reach, without_user


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def nobody():
    """A port of this machine that is taken, and where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{taken.getsockname()[1]}"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://ada:secret@here:80/a@b", "http://here:80/a@b"),
        ("https://ada:s@cret@here", "https://here"),
        ("https://here/x and http://ada@there", "https://here/x and http://there"),
        ("ada@example.org", "ada@example.org"),
    ],
)
def test_an_address_is_shown_without_its_user(text, shown):
    assert without_user(text) == shown


def test_whoever_is_there_is_reached():
    with socket.create_server(("127.0.0.1", 0)) as server:
        reach(f"http://127.0.0.1:{server.getsockname()[1]}")


def test_where_nobody_is_it_is_told_without_a_password(nobody):
    with pytest.raises(MirrorError, match=rf"cannot be reached at http://{nobody} ") as told:
        reach(f"http://ada:secret@{nobody}")
    assert "secret" not in str(told.value)


@pytest.mark.parametrize("name", ["http_proxy", "all_proxy"])
def test_behind_a_proxy_nobody_looks(nobody, monkeypatch, name):
    monkeypatch.setenv(name, "http://proxy.example:3128")
    reach(f"http://{nobody}")


def test_what_no_proxy_is_asked_for_is_looked_for(nobody, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with pytest.raises(MirrorError, match="cannot be reached"):
        reach(f"http://{nobody}")
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.delenv("http_proxy")
    monkeypatch.setenv("https_proxy", "http://proxy.example:3128")
    with pytest.raises(MirrorError, match="cannot be reached"):
        reach(f"http://{nobody}")
