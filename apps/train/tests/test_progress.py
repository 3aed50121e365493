import os
import subprocess
import sys

import pytest
from mlopsproj_data.sources.recognition import open_source
from mlopsproj_train.progress import prepare_with_progress, progress_bar

BAR = """
import time
from mlopsproj_data.sources.recognition import open_source
from mlopsproj_train.progress import progress_bar

with progress_bar("counting sheep") as report:
    for done in range(1, 6):
        report(done, 5)
        time.sleep(0.15)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals there")
def test_a_bar_is_drawn_on_a_terminal():
    import pty

    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "80"}
    with subprocess.Popen(
        [sys.executable, "-c", BAR], stdout=subprocess.PIPE, stderr=theirs, env=environment
    ) as process:
        os.close(theirs)
        drawn = read_all(ours)
        assert process.wait() == 0
        assert process.stdout.read() == b""
    assert "counting sheep" in drawn
    assert "5/5" in drawn


def read_all(terminal):
    pieces = []
    while True:
        try:
            piece = os.read(terminal, 4096)
        except OSError:  # Linux's way to tell that the other side is closed
            break
        if not piece:
            break
        pieces.append(piece)
    os.close(terminal)
    return b"".join(pieces).decode()


def test_nothing_is_drawn_where_nobody_looks(capfd):
    with progress_bar("counting sheep") as report:
        report(1, 2)
    assert capfd.readouterr() == ("", "")


def test_preparing_gives_the_data_set(tiny_config, tiny_dataset, capfd):
    assert prepare_with_progress(tiny_config.data, open_source(tiny_config.data)) == tiny_dataset
    assert capfd.readouterr().out == ""
