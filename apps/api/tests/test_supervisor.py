import contextlib
import os
import signal
import socket
import subprocess
import sys
import time

import httpx
import psutil
import pytest
from serving.metrics_page import metric
from serving.pictures import plain

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="several processes are refused")

IMAGE = plain(250)


@pytest.fixture
def two(start_api):
    api = start_api(MLOPSPROJ_API_WORKERS="2")
    api.wait_until(lambda: len(ready(api)) == 2, "has not two workers")
    return api


def ready(api):
    """Processes that answer, by what the metrics say."""
    page = api.client.get("/metrics").text
    return [line for line in page.splitlines() if line.startswith("mlopsproj_api_model_info{")]


def connections(api):
    """How many connections each worker has."""
    counts = []
    for worker in api.processes()[1:]:
        with contextlib.suppress(psutil.NoSuchProcess):
            established = [
                each
                for each in worker.net_connections("tcp")
                if each.status == psutil.CONN_ESTABLISHED and each.laddr.port == api.port
            ]
            counts.append(len(established))
    return sorted(counts)


def ask(client):
    answer = client.post("/v1/predict", content=IMAGE, headers={"Content-Type": "image/png"})
    assert answer.status_code == 200, answer.text
    return answer


def test_two_processes_are_one_service(two):
    """Connections are shared equally, numbers add up, a dead process is replaced, all end well."""
    api = two
    api.client.close()
    clients = [httpx.Client(base_url=api.url, trust_env=False, timeout=60) for _ in range(8)]
    for client in clients:
        ask(client)
    assert connections(api) == [4, 4]
    api.connect()
    assert metric(api, "images_total") == 8

    # Whoever loses its connections to a process gets new ones; the other process goes on.
    victim = api.processes()[1]
    victim.kill()
    api.wait_until(lambda: len(api.processes()) == 3 and victim not in api.processes(), "lost one")
    for client in clients:
        with contextlib.suppress(httpx.TransportError):
            ask(client)
        ask(client)
    assert f"process {victim.pid} ended with -9, and is replaced" in api.stderr()
    api.connect()
    assert metric(api, "images_total") >= 16
    api.wait_until(lambda: len(ready(api)) == 2, "has not two workers again")

    # All are replaced, and every request is answered meanwhile.
    before = {process.pid for process in api.processes()[1:]}
    api.process.send_signal(signal.SIGHUP)

    def replaced():
        for client in clients:
            ask(client)
        return len(api.processes()) == 3 and not before & {p.pid for p in api.processes()[1:]}

    api.wait_until(replaced, "did not replace its processes")
    counted = metric(api, "images_total")
    assert counted > 16
    for client in clients:
        client.close()
    assert api.terminate() == 0
    assert not psutil.pid_exists(victim.pid)


@pytest.mark.slow
def test_processes_end_with_their_supervisor(two):
    _, *workers = two.processes()
    two.process.kill()
    _, alive = psutil.wait_procs(workers, timeout=30)
    assert not alive
    assert "the supervisor is gone" in two.stderr()


@pytest.mark.slow
def test_a_second_signal_ends_all_at_once(two):
    processes = two.processes()
    with half_a_request(two.port):
        two.process.send_signal(signal.SIGTERM)
        time.sleep(1)
        assert two.process.poll() is None
        two.process.send_signal(signal.SIGTERM)
        assert two.process.wait(10) == 128 + signal.SIGTERM
    _, alive = psutil.wait_procs(processes, timeout=10)
    assert not alive


@pytest.mark.slow
def test_a_signal_that_everybody_gets_ends_all_in_order(two):
    """As systemd sends it, to each process of a unit, and `uv run` once more."""
    with half_a_request(two.port) as client:
        for process in two.processes()[::-1] + two.processes():
            process.send_signal(signal.SIGTERM)
        client.sendall(b"x" * 96)
        assert client.recv(100).startswith(b"HTTP/1.1 422 ")
    assert two.process.wait(30) == 0


class Taker:
    """A process as the supervisor sees it, which has room for so many connections."""

    def __init__(self, room):
        self.room, self.connections, self.takes_connections = room, 0, True
        self.channel = self

    def give(self, connection):
        if self.connections == self.room:
            return False
        self.connections += 1
        return True


def test_a_connection_for_which_there_is_no_room_is_kept():
    from mlopsproj_api.supervisor import Supervisor

    with (
        socket.create_server(("127.0.0.1", 0), backlog=16) as listener,
        contextlib.ExitStack() as on,
    ):
        supervisor = Supervisor(listener, workers=1, shutdown_seconds=1, ready=lambda _: None)
        taker = Taker(room=2)
        supervisor._workers = [taker]
        supervisor._listen_where_connections_are_taken()
        clients = [
            on.enter_context(socket.create_connection(listener.getsockname(), timeout=5))
            for _ in range(5)
        ]
        supervisor._connect()
        supervisor._listen_where_connections_are_taken()
        assert (taker.connections, supervisor._listening) == (2, False)  # the kernel has two
        clients[2].settimeout(0.1)
        with pytest.raises(TimeoutError):  # neither answered nor closed
            clients[2].recv(1)
        taker.room = 5
        supervisor._listen_where_connections_are_taken()
        assert supervisor._listening
        supervisor._connect()
        assert taker.connections == 5
        supervisor._selector.close()


@contextlib.contextmanager
def half_a_request(port):
    """A request whose body does not come, and which is waited for."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
        client.sendall(
            b"POST /v1/predict HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\n"
            b"Content-Length: 100\r\n\r\nhalf"
        )
        time.sleep(0.5)
        yield client


SHORT_PATIENCE = """
import sys
from mlopsproj_api import supervisor, worker_process
worker_process.SILENT_SECONDS = 2.0
from mlopsproj_api.cli import main
sys.argv[0] = "api"
main()
"""


@pytest.mark.slow
def test_a_process_that_hangs_is_replaced(start_api):
    api = start_api(MLOPSPROJ_API_WORKERS="2")
    api.terminate()
    with api.stderr_file.open("ab") as stderr:
        api.process = subprocess.Popen(
            [sys.executable, "-c", SHORT_PATIENCE, "--port", str(api.port)],
            cwd=api.folder,
            env={**os.environ, **api.environment},
            stdout=stderr,
            stderr=stderr,
        )
    api.wait_ready()
    api.wait_until(lambda: len(ready(api)) == 2, "has not two workers")
    victim = api.processes()[1]
    victim.suspend()
    api.wait_until(lambda: victim.pid not in [p.pid for p in api.processes()], "keeps it")
    assert f"process {victim.pid} hangs, and is replaced" in api.stderr()
    api.connect()
    api.wait_until(lambda: len(ready(api)) == 2, "has not two workers again")
    assert api.terminate() == 0


def test_the_supervisor_imports_nothing_that_it_does_not_need():
    code = (
        "import sys\nfrom mlopsproj_api import supervisor\n"
        "print({'fastapi', 'numpy', 'onnxruntime', 'uvicorn'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
