import subprocess
import sys
import threading

import pytest
from mlopsproj_core.file_lock import locked, try_lock


def test_one_at_a_time_and_whoever_waits_is_told(tmp_path):
    path = tmp_path / "folder" / "lock"
    told, order = threading.Event(), []

    def second():
        with locked(path, told.set):
            order.append("second")

    thread = threading.Thread(target=second)
    with locked(path):
        thread.start()
        assert told.wait(30)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_nobody_waits_for_nobody(tmp_path):
    def tell():
        raise AssertionError

    for _ in range(3):
        with locked(tmp_path / "lock", tell):
            pass


HOLDER = """
import sys, time
from pathlib import Path
from mlopsproj_core.file_lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_killed_holder_holds_nothing(tmp_path):
    command = [sys.executable, "-c", HOLDER, tmp_path / "lock"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    told = threading.Event()
    threading.Thread(target=lambda: told.wait(30) and process.kill()).start()
    with locked(tmp_path / "lock", told.set):
        assert told.is_set()
    process.communicate()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows removes nothing that is open")
def test_a_lock_file_that_its_holder_removed_is_made_anew(tmp_path):
    path = tmp_path / "folder" / "lock"
    inside, waiting, left = [], threading.Event(), threading.Event()

    def second():
        with locked(path, waiting.set):
            inside.append(path.exists())
            left.set()

    thread = threading.Thread(target=second)
    with locked(path):
        thread.start()
        assert waiting.wait(30)
        path.unlink()
        path.parent.rmdir()
    assert left.wait(30)
    thread.join()
    assert inside == [True]


def test_a_lock_is_taken_now_or_not_at_all(tmp_path):
    path = tmp_path / "folder" / "lock"
    held = try_lock(path)
    assert held is not None
    assert try_lock(path) is None
    held.close()
    again = try_lock(path)
    assert again is not None
    again.close()
