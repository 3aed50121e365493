import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from mlopsproj_monitoring.triggers import command
from mlopsproj_monitoring.triggers.command import end_of, has_begun

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows does not fork")

PROCESS = Path(command.__file__).with_name("command_process.py")
WAIT = "import pathlib, sys, time\nwhile not pathlib.Path(sys.argv[1]).exists(): time.sleep(0.02)"


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "one"
    made.mkdir()
    yield made
    with suppress(ProcessLookupError, ValueError, FileNotFoundError):
        os.killpg(int((made / "started").read_text()), signal.SIGKILL)


def begin(folder, *command, **options):
    return subprocess.run(
        [sys.executable, "-I", "-S", PROCESS, folder, *command],
        check=False,
        capture_output=True,
        text=True,
        **options,
    )


def test_a_command_is_run_and_its_end_is_kept(folder, until):
    code = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"
    assert begin(folder, sys.executable, "-c", code).returncode == 0
    assert has_begun(folder)
    succeeded, told = until(lambda: end_of(folder))
    assert not succeeded
    assert told == f"exit code 3; its output is {folder / 'log.txt'}"
    assert sorted((folder / "log.txt").read_text().split()) == ["err", "out"]
    assert json.loads((folder / "exit.json").read_text()) == {"code": 3}


def test_a_command_that_is_not_there_says_so(folder, until):
    begin(folder, "no-such-command-anywhere")
    assert until(lambda: end_of(folder)) == (
        False,
        f"exit code 127; its output is {folder / 'log.txt'}",
    )
    assert "no-such-command-anywhere cannot be started" in (folder / "log.txt").read_text()


def test_however_many_begin_it_it_runs_once(folder, tmp_path, until):
    command = [sys.executable, "-I", "-S", PROCESS, folder]
    script = tmp_path / "script.py"
    script.write_text(f"import os; os.write(1, b'run\\n')\n{WAIT}")
    go = tmp_path / "go"
    several = [
        subprocess.Popen([*command, sys.executable, script, go], stderr=subprocess.PIPE)
        for _ in range(6)
    ]
    assert [process.communicate()[1] for process in several] == [b""] * 6
    assert begin(folder, sys.executable, script, go).returncode == 0
    assert end_of(folder) is None
    go.touch()
    assert until(lambda: end_of(folder))[0]
    assert begin(folder, sys.executable, script, go).returncode == 0
    assert (folder / "log.txt").read_text() == "run\n"


def test_it_goes_on_in_a_session_of_its_own_and_who_ends_its_group_ends_it(folder, tmp_path, until):
    begin(folder, sys.executable, "-c", WAIT, tmp_path / "go")
    group = int(until((folder / "started").read_text))
    assert os.getsid(group) == group != os.getsid(0)
    until((folder / "log.txt").exists)
    assert end_of(folder) is None
    # The command alone heeds it: its keeper stays to say how it ended.
    until(lambda: _ended_by(group, signal.SIGTERM, folder))
    assert end_of(folder) == (False, f"ended by signal 15; its output is {folder / 'log.txt'}")


def _ended_by(group, number, folder):
    """Send a signal; the command may not have been started yet."""
    with suppress(ProcessLookupError):
        os.killpg(group, number)
    return end_of(folder)


def test_one_that_is_killed_with_its_keeper_has_ended_badly_and_never_begins_again(
    folder, tmp_path, until
):
    begin(folder, sys.executable, "-c", WAIT, tmp_path / "go")
    group = int(until((folder / "started").read_text))
    until((folder / "log.txt").exists)
    os.killpg(group, signal.SIGKILL)
    succeeded, told = until(lambda: end_of(folder))
    assert not succeeded
    assert told.startswith("It was killed, or the machine stopped")
    begin(folder, sys.executable, "-c", "print('again')")
    assert "again" not in (folder / "log.txt").read_text()
    assert end_of(folder) == (succeeded, told)


def test_while_the_command_lives_it_runs_even_without_its_keeper(folder, tmp_path, until):
    go, child = tmp_path / "go", tmp_path / "child"
    script = (
        f"import os, pathlib, sys\npathlib.Path(sys.argv[2]).write_text(str(os.getpid()))\n{WAIT}"
    )
    begin(folder, sys.executable, "-c", script, go, child)
    until(lambda: child.exists() and child.read_text())
    os.kill(int((folder / "started").read_text()), signal.SIGKILL)
    assert end_of(folder) is None
    go.touch()
    assert until(lambda: end_of(folder))[0] is False


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    told = begin(tmp_path / "nowhere", "true")
    assert told.returncode != 0
    assert "No such file" in told.stderr
