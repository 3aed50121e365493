import signal
import socket
import sys
import time

import httpx
import pytest
from mlopsproj_api import worker_process
from mlopsproj_api.worker_process import WorkerProcess

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="several processes are refused")


@pytest.fixture
def worker(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLOPSPROJ_API_LOG", "0")
    (tmp_path / "run").mkdir()
    worker = WorkerProcess(tmp_path / "run", shutdown_seconds=1)
    yield worker
    worker.kill()
    worker._process.wait(30)
    worker.channel.close()


def wait(worker, happened):
    end = time.monotonic() + 60
    while not (found := happened()):
        assert worker.exit_code() is None
        assert time.monotonic() < end
        time.sleep(0.02)
    return found


def test_it_reports_answers_and_ends(worker):
    assert not worker.takes_connections
    report = wait(worker, worker.news)
    assert report["model"] is None
    assert "uv run train" in report["why"]
    assert worker.takes_connections
    assert worker.exit_code() is None

    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = "http://{}:{}".format(*listener.getsockname())
        with httpx.Client(trust_env=False) as client:
            listener.settimeout(10)
            import threading

            def give():
                connection, _ = listener.accept()
                with connection:
                    assert worker.channel.give(connection)

            giving = threading.Thread(target=give)
            giving.start()
            assert client.get(f"{url}/livez").text == "ok\n"
            giving.join()
            assert worker.channel.connections == 1
    wait(worker, lambda: worker.news() or worker.channel.connections == 0)

    worker.end()
    assert not worker.takes_connections
    assert worker._process.wait(30) == 0
    assert worker.exit_code() == 0


def test_one_that_ends_by_itself_takes_no_more(worker):
    wait(worker, worker.news)
    worker._process.terminate()  # not by the supervisor
    wait_until_ending = time.monotonic() + 30
    while not worker.ending:
        assert time.monotonic() < wait_until_ending
        worker.news()
        time.sleep(0.02)
    assert not worker.takes_connections


def test_one_that_says_nothing_for_long_is_killed(worker, monkeypatch):
    wait(worker, worker.news)
    worker.kill_if_it_hangs()
    assert worker.exit_code() is None
    monkeypatch.setattr(worker_process, "SILENT_SECONDS", -1.0)
    worker.kill_if_it_hangs()
    assert worker._process.wait(30) == -9


def test_one_that_does_not_end_is_killed(worker, monkeypatch):
    wait(worker, worker.news)
    monkeypatch.setattr(worker_process, "ENDING_MARGIN_SECONDS", -1.0)
    worker._process.send_signal(signal.SIGSTOP)
    worker.end()
    end = time.monotonic() + 60
    while worker.exit_code() is None:
        assert time.monotonic() < end
        worker.kill_if_it_hangs()
        time.sleep(0.02)
    assert worker.exit_code() == -9
