import os
import socket

import pytest
from mlopsproj_core.errors import ConfigError, ServingError
from mlopsproj_serving.process.listening import listen, url_of


def test_port_0_takes_a_free_one():
    with listen("127.0.0.1", 0, service="api") as listener:
        port = listener.getsockname()[1]
        assert url_of(listener) == f"http://127.0.0.1:{port}"
        with socket.create_connection(("127.0.0.1", port), timeout=5):
            pass


def test_a_client_here_reaches_every_address_by_this_one():
    with listen("0.0.0.0", 0, service="api") as listener:  # noqa: S104 (a free port, for a moment)
        assert url_of(listener).startswith("http://127.0.0.1:")


def test_ipv6_is_written_in_brackets():
    try:
        listener = listen("::1", 0, service="api")
    except ConfigError:
        pytest.skip("this machine has no IPv6")
    with listener:
        assert url_of(listener).startswith("http://[::1]:")


def test_a_port_that_is_taken_is_named():
    with listen("127.0.0.1", 0, service="api") as listener:
        port = listener.getsockname()[1]
        with pytest.raises(ServingError, match=rf"Port {port} of 127.0.0.1 is taken.*--port"):
            listen("127.0.0.1", port, service="api")


def test_a_port_is_free_again_at_once():
    with listen("127.0.0.1", 0, service="api") as listener:
        port = listener.getsockname()[1]
        client = socket.create_connection(("127.0.0.1", port), timeout=5)
        taken, _ = listener.accept()
        taken.close()
    client.close()
    listen("127.0.0.1", port, service="api").close()


def test_a_host_that_is_none_is_named():
    with pytest.raises(ConfigError, match=r"MLOPSPROJ_API_HOST is 'nowhere\.invalid'"):
        listen("nowhere.invalid", 8000, service="api")


def test_a_host_of_another_machine_is_named():
    with pytest.raises(ConfigError, match=r"cannot listen on 192\.0\.2\.1"):
        listen("192.0.2.1", 0, service="api")


@pytest.mark.skipif(getattr(os, "geteuid", lambda: 0)() == 0, reason="every port may be taken")
def test_a_port_that_needs_rights_is_told():
    with pytest.raises(ConfigError, match=r"Port 1 needs rights"):
        listen("127.0.0.1", 1, service="api")
