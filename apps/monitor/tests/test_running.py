"""The end of the process; what is before it stands in `tests/monitor`."""

import subprocess
import sys
import textwrap

import pytest


@pytest.mark.parametrize("is_daemon", [True, False])
def test_a_thread_that_hangs_keeps_no_process_from_its_end(is_daemon):
    code = f"""
    import threading, time
    from mlopsproj_monitor.running import end_beside_threads

    threading.Thread(target=time.sleep, args=(3600,), daemon={is_daemon}).start()
    print("last words", end="")
    end_beside_threads()
    print("not reached")
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "last words", "")


def test_without_one_the_process_ends_as_ever():
    code = "from mlopsproj_monitor.running import end_beside_threads as end; end(); print('on')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "on\n"
