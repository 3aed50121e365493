"""What the members do where there is no POSIX, as far as that shows on this system.

No test runs on Windows here: `as_on_windows` takes away what Python lacks there.
"""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from serving.server import Api, make_version, publish

HERE = Path(__file__).parent

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="this is Windows")

# What is refused there, with a word, before it is imported.
REFUSED = {"mlopsproj_api.supervisor", "mlopsproj_monitoring.triggers.command_process"}


@pytest.mark.slow
def test_every_module_can_be_imported(members):
    packages = [member.source.name for member in members]
    ended = subprocess.run(
        [sys.executable, HERE / "as_on_windows.py", *packages],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    told = dict(line.split(": ", 1) for line in ended.stdout.splitlines())
    assert told.keys() == REFUSED, ended.stdout


@pytest.mark.slow
def test_every_test_can_be_collected(members):
    # A module that fails there ends the session, with all the tests of its member.
    folders = [member.folder / "tests" for member in members]
    packages = " ".join(member.source.name for member in members)
    path = os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")])
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "as_on_windows", "--collect-only", "-q", *folders],
        cwd=HERE.parents[1],
        env={**os.environ, "AS_ON_WINDOWS": packages, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout[-8000:]


def as_on_windows(body, *arguments, **options):
    """A process that runs `body` so, after it has imported what the api needs."""
    script = f"""
import sys
sys.path.insert(0, {str(HERE)!r})
import as_on_windows
as_on_windows.import_third_parties(["mlopsproj_api.cli", "mlopsproj_api.worker"])
as_on_windows.pretend()
{body}
"""
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.Popen(command, text=True, **options)


class WindowsApi(Api):
    """The command `api`, likewise."""

    def launch(self):
        with self.stderr_file.open("ab") as stderr:
            self.process = as_on_windows(
                "from mlopsproj_api.cli import main; main()",
                *("--port", self.port),
                cwd=self.folder,
                stderr=stderr,
                stdout=stderr,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )


def test_one_process_serves_and_ends_in_order(tmp_path):
    api = WindowsApi(tmp_path)
    publish(str(tmp_path / "registry"), make_version(tmp_path / "bundle", 1), "production")
    try:
        api.start()
        assert "process_open_files" in api.client.get("/metrics").text
        api.process.send_signal(signal.SIGUSR2)  # in place of Ctrl-Break
        assert api.process.wait(30) == 0, api.stderr()
    finally:
        api.kill()


def test_several_processes_are_refused_with_the_mend(tmp_path):
    body = "from mlopsproj_api.cli import main; main()"
    refused = as_on_windows(body, "--workers", 2, "--port", 0, cwd=tmp_path, stderr=subprocess.PIPE)
    _, told = refused.communicate(timeout=60)
    assert refused.returncode == 2
    assert "MLOPSPROJ_API_WORKERS is 2" in told
    assert "Use one" in told


def test_a_lock_file_can_be_read_while_it_is_held(tmp_path):
    # Nobody else can read a byte that is locked there: it must be none that the file holds.
    body = """
        import msvcrt
        from pathlib import Path
        from mlopsproj_core.file_lock import try_lock
        held = try_lock(Path("lock"))
        held.write(b"whose it is")
        held.flush()
        assert try_lock(Path("lock")) is None
        print(Path("lock").read_text(), msvcrt.byte > Path("lock").stat().st_size)
    """
    process = as_on_windows(textwrap.dedent(body), cwd=tmp_path, stdout=subprocess.PIPE)
    told, _ = process.communicate(timeout=60)
    assert told == "whose it is True\n"


def test_a_reader_who_has_read_enough_gets_no_complaint(tmp_path):
    # Windows says EINVAL where other systems say EPIPE.
    body = """
        import errno, io, os
        from mlopsproj_core.command import run_command
        class Unread(io.TextIOWrapper):
            def flush(self):
                if not os.path.samestat(os.fstat(1), os.stat(os.devnull)):
                    raise OSError(errno.EINVAL, "Invalid argument")
        sys.stdout = Unread(open(1, "wb", closefd=False), errors="replace")
        def fails():
            raise OSError(errno.EINVAL, "of something else")
        def command():
            print("little")
        if sys.argv[1] == "fails":
            sys.stdout = sys.__stdout__
            command = fails
        run_command(command)
    """
    for what, code, told in [("prints", 1, ""), ("fails", 1, "of something else")]:
        process = as_on_windows(textwrap.dedent(body), what, stderr=subprocess.PIPE)
        _, stderr = process.communicate(timeout=60)
        assert process.returncode == code
        assert bool(stderr) == bool(told)
        assert told in stderr
