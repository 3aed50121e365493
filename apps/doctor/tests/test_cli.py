"""The command as a user runs it; every run shows that nothing was made or changed by it."""

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from mlopsproj_core.registry import Registry
from mlopsproj_doctor.checks import CHECKS
from mlopsproj_records import upgrade
from small_bundle import make_small_bundle

COMMAND = Path(sys.executable).parent / "doctor"


def by_name(out):
    return {f"{one['group']} {one['name']}": one for one in json.loads(out)["findings"]}


def test_a_machine_on_which_nothing_was_done_yet_is_well(run, folder):
    ended = run()
    assert (ended.code, ended.err) == (0, ""), ended
    lines = ended.out.splitlines()
    assert [line for line in lines if line in {check.name for check in CHECKS}] == [
        check.name for check in CHECKS
    ]
    assert "fail" not in {line.split()[0] for line in lines if line}
    assert not list(folder.iterdir())


def test_after_a_while_of_use_it_is_well_too(run, registry):
    upgrade("sqlite:///mlopsproj.db")
    ended = run("--json")
    assert (ended.code, ended.err) == (0, ""), ended
    findings = by_name(ended.out)
    assert findings["production brightness@production"]["state"] == "ok"
    assert findings["database schema"]["state"] == "ok"
    quick = run("--quick", "--json")
    assert "production brightness@production" not in by_name(quick.out)
    assert quick.code == 0


def test_everything_that_is_broken_is_told_in_one_run(run, registry, folder):
    registry.move_alias("brightness", "shadow", 2, actor="test", reason="x")
    Path("registry/brightness/aliases/shadow/1.json").write_text("{")
    Path("registry/brightness/versions/1/model.onnx").write_bytes(b"damaged")
    (folder / "mlopsproj.db").write_bytes(b"no database" * 1000)
    ended = run("--json", MLOPSPROJ_CONFIG_DIR="nowhere", MLOPSPROJ_REGISTY_URL="x")
    assert ended.code == 1
    assert re.match(r"error: \d+ of \d+ lines fail", ended.err)
    states = {name: one["state"] for name, one in by_name(ended.out).items()}
    assert states["registry brightness@shadow"] == "fail"
    assert states["production brightness@production"] == "fail"
    assert states["database database"] == "fail"
    assert states["settings values"] == "fail"
    assert json.loads(ended.out)["state"] == "fail"
    assert "Traceback" not in ended.out + ended.err


@pytest.mark.slow
def test_a_registry_and_a_database_that_are_away_are_told_and_the_rest_too(run, closed_port):
    ended = run(
        *("--json", "--timeout", "20"),
        STORAGE_EMULATOR_HOST=f"http://127.0.0.1:{closed_port}",
        MLOPSPROJ_REGISTRY_URL="gs://bucket/registry",
        MLOPSPROJ_DATABASE_URL=f"postgresql://app:hunter2hunter2@127.0.0.1:{closed_port}/log",
    )
    assert ended.code == 1
    findings = by_name(ended.out)
    assert findings["registry registry"]["state"] == "fail"
    assert findings["production production"]["state"] == "warn"
    assert findings["database database"]["state"] == "fail"
    assert str(closed_port) in findings["database database"]["text"]
    assert findings["machine cores"]["state"] == "ok"
    assert "hunter2" not in ended.out + ended.err


@pytest.mark.slow
def test_whoever_does_not_answer_is_left_after_a_while(run, silent_port):
    ended = run(
        *("--json", "--timeout", "20"),
        MLOPSPROJ_REGISTRY_URL=f"http://me:hunter2hunter2@127.0.0.1:{silent_port}/registry",
        MLOPSPROJ_DATABASE_URL=f"postgresql://app:hunter2hunter2@127.0.0.1:{silent_port}/log",
    )
    assert ended.code == 1
    findings = by_name(ended.out)
    assert findings["registry registry"]["state"] == "fail"
    assert "--timeout" in findings["registry registry"]["mend"]
    assert findings["database database"]["state"] == "fail"
    assert "hunter2" not in ended.out + ended.err


def test_a_bundle_in_an_object_store_is_fetched_and_not_kept(run, emulator, tmp_path):
    url = emulator.new_prefix()
    registry = Registry(url)
    registry.publish(make_small_bundle(tmp_path / "bundle"))
    registry.move_alias("brightness", "production", 1, actor="test", reason="first")
    ended = run("--json", MLOPSPROJ_REGISTRY_URL=url, STORAGE_EMULATOR_HOST=emulator.address)
    findings = by_name(ended.out)
    assert ended.code == 0, ended
    assert url in findings["registry brightness"]["text"]
    assert findings["production brightness@production"]["state"] == "ok"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no such signal")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_interrupted_it_ends_at_once_and_leaves_nothing(
    tmp_path, folder, environment, silent_server, name
):
    port = silent_server.getsockname()[1]
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    url = f"http://127.0.0.1:{port}/registry"
    command = subprocess.Popen(
        [COMMAND, "--timeout", "250"],
        env={**environment, "MLOPSPROJ_REGISTRY_URL": url, "TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    connection, _ = silent_server.accept()  # the check of the registry waits now
    command.send_signal(signal.Signals[name])
    out, err = command.communicate(timeout=120)
    assert (command.returncode, out) == (130, "")
    assert "Traceback" not in err
    assert list(temporary.iterdir()) == []
    with connection:  # it closes with its process
        connection.settimeout(60)
        while connection.recv(1024):
            pass


@pytest.mark.parametrize(
    "nonsense",
    [
        {"MLOPSPROJ_DATABASE_URL": "hunter2hunter2", "MLOPSPROJ_REGISTRY_URL": "no-such://x"},
        {"MLOPSPROJ_DATABASE_URL": "mysql://app:hunter2hunter2@host/log"},
        {"MLOPSPROJ_MODEL": "\x1b[31m!", "MLOPSPROJ_SPOOL_DIR": "/dev/null/spool"},
        {"MLOPSPROJ_REGISTRY_URL": "\udcff\udcfe", "MLOPSPROJ_EVENT_URL": "hunter2hunter2"},
        {"MLOPSPROJ_REGISTRY_URL": "x" * 5000, "MLOPSPROJ_DATABASE_URL": f"sqlite:///{'x' * 5000}"},
        {"PYTHONIOENCODING": "ascii", "MLOPSPROJ_MODEL": "äöü", "HOME": "/no/home"},
    ],
    ids=["no URLs", "MySQL", "control characters", "no UTF-8", "too long", "ASCII terminal"],
)
def test_a_nonsense_environment_is_told_without_a_traceback(run, nonsense):
    ended = run("--quick", **nonsense)
    assert ended.code in {0, 1}
    assert "disk" in ended.out.splitlines()
    assert "Traceback" not in ended.out + ended.err
    assert "hunter2" not in ended.out + ended.err
    assert "\x1b" not in ended.out


@pytest.mark.parametrize(
    "arguments",
    [("--no-such",), ("--timeout", "0"), ("--timeout", "inf"), ("--timeout", "nan"), ("extra",)],
)
def test_wrong_arguments_are_refused(run, arguments):
    ended = run("--quick", *arguments)
    assert ended.code == 2
    assert "Traceback" not in ended.err


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from mlopsproj_doctor.cli import app\n"
        "try: app(['--help'])\n"
        "except SystemExit: pass\n"
        "found = {'numpy', 'sqlalchemy', 'onnxruntime', 'rich', 'pydantic'} & set(sys.modules)\n"
        "assert not found, found"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=120)


def test_a_folder_with_files_that_are_called_like_modules_harms_nothing(run, folder):
    for name in ("numpy.py", "json.py", "registry.py", "sqlalchemy.py"):
        (folder / name).write_text("raise SystemExit('the wrong one')")
    ended = run("--quick")
    assert ended.code == 0, ended
