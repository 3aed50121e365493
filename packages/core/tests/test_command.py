"""Real processes: what a shell sees of a command's end."""

import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from mlopsproj_core import errors
from mlopsproj_core.command import run_command

POSIX_ONLY = pytest.mark.skipif(sys.platform == "win32", reason="about POSIX")
FULL = Path("/dev/full")


def script(body):
    text = """
        import errno, os, signal, sys, time
        from mlopsproj_core.command import run_command
        from mlopsproj_core.errors import *
        def command():
        {}
        run_command(command)
        print("never reached", file=sys.stderr)
    """
    lines = textwrap.indent(textwrap.dedent(body).strip(), "    ")
    return [sys.executable, "-c", textwrap.dedent(text).format(lines)]


@pytest.fixture(autouse=True)
def usual_environment(monkeypatch):
    """Output goes through a buffer, as UTF-8."""
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    monkeypatch.setenv("PYTHONUTF8", "1")


def run(body, stdout=subprocess.PIPE, encoding="utf-8"):
    return subprocess.run(
        script(body),
        stdout=stdout,
        stderr=subprocess.PIPE,
        encoding=encoding,
        timeout=60,
        check=False,
    )


def run_without_reader(body):
    """Exit code and stderr of a command whose stdout is closed before it writes anything."""
    process = subprocess.Popen(
        script(f"sys.stdin.read()\n{body}"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    process.stdout.close()
    process.stdin.close()
    stderr = process.stderr.read()
    return process.wait(timeout=60), stderr


@pytest.mark.parametrize(
    ("body", "code", "stderr"),
    [
        ('raise ConfigError("x")', 2, "error: x\n"),
        ('raise GateRefusedError("no")', 3, "error: no\n"),
        ('raise UndecidedError("perhaps")', 4, "error: perhaps\n"),
        ('raise NotFoundError("größer 😀")', 1, "error: größer 😀\n"),
        ("raise KeyboardInterrupt", 130, "Interrupted.\n"),
        ('raise KeyboardInterrupt("Resume by x.")', 130, "Resume by x.\n"),
        (
            'raise OSError(errno.ENOSPC, "full", "/data/x")',
            1,
            "error: The disk is full at /data/x: free some space and run the command again.\n",
        ),
        (
            'raise OSError(errno.EDQUOT, "full")',
            1,
            "error: The disk is full: free some space and run the command again.\n",
        ),
        ("raise SystemExit(2)", 2, ""),
    ],
)
def test_an_expected_end_is_one_message_and_a_code(body, code, stderr):
    done = run(f'print("so far")\n{body}')
    assert (done.returncode, done.stdout, done.stderr) == (code, "so far\n", stderr)


def test_every_error_of_the_tree_ends_with_its_code(capsys):
    kinds = [k for k in vars(errors).values() if isinstance(k, type) and k.__doc__]
    kinds = [kind for kind in kinds if issubclass(kind, errors.MlopsprojError)]
    assert len(kinds) > 10
    for kind in kinds:

        def command(kind=kind):
            raise kind(f"of {kind.__name__}")

        with pytest.raises(SystemExit) as end:
            run_command(command)
        assert end.value.code == kind.exit_code
        assert capsys.readouterr().err == f"error: of {kind.__name__}\n"


def test_an_error_of_ours_keeps_its_traceback():
    for body in ('raise ValueError("a defect")', 'raise OSError(errno.EIO, "a defect")'):
        done = run(body)
        assert done.returncode == 1
        assert "Traceback" in done.stderr
        assert "a defect" in done.stderr


def test_a_command_that_is_done_returns():
    done = run('print("all")')
    assert (done.returncode, done.stdout, done.stderr) == (0, "all\n", "never reached\n")


@pytest.mark.parametrize(
    ("encoding", "told"),
    [("utf-8", "größer → 服\n"), ("cp1252", "größer \\u2192 \\u670d\n")],
)
def test_what_the_encoding_of_a_file_lacks_is_told_by_its_number(monkeypatch, encoding, told):
    monkeypatch.setenv("PYTHONUTF8", "0")
    monkeypatch.setenv("PYTHONIOENCODING", encoding)  # cp1252: of most files on Windows
    done = run('print("größer → 服")\nraise DataError("größer → 服")', encoding=encoding)
    assert (done.returncode, done.stdout, done.stderr) == (1, told, f"error: {told}")


@POSIX_ONLY
def test_without_a_locale_a_name_that_is_no_text_goes_out_as_it_came(monkeypatch):
    for name, value in {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("PYTHONIOENCODING", raising=False)
    done = run('print("\\u2192", os.fsdecode(bytes([0xc3, 0xb6])))', encoding="utf-8")
    assert (done.returncode, done.stdout) == (0, "\\u2192 ö\n")


@POSIX_ONLY
def test_a_real_interrupt_ends_with_130():
    process = subprocess.Popen(
        script('print("ready", flush=True)\ntime.sleep(60)'),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert (process.returncode, stderr) == (130, "Interrupted.\n")


@POSIX_ONLY
@pytest.mark.parametrize(
    "body",
    [
        'print("little")',
        'print("little")\nraise SystemExit(0)',
        'for _ in range(100000): print("much")',
        'print("little")\nsys.stdout.flush()',
    ],
)
def test_a_reader_who_has_read_enough_gets_no_complaint(body):
    assert run_without_reader(body) == (1, "")


@POSIX_ONLY
def test_an_error_is_told_also_to_a_reader_who_has_gone():
    body = 'print("little")\nraise GateRefusedError("no")'
    assert run_without_reader(body) == (3, "error: no\n")


@pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("body", ['print("little")', 'for _ in range(100000): print("much")'])
def test_output_to_a_full_disk_is_one_clear_error(body):
    with FULL.open("w") as full:
        done = run(body, stdout=full)
    assert done.returncode == 1
    assert done.stderr == "error: The disk is full: free some space and run the command again.\n"
