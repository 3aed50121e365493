"""The command as a process of its own."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from mlopsproj_records.database import Database
from mlopsproj_records.drift_history import DriftHistory
from mlopsproj_records.outbox import Outbox
from mlopsproj_records.retraining import Retrainings
from monitor.world import DARKER, World

BIN = Path(sys.executable).parent
SLOW = pytest.mark.slow


def run(*arguments, cwd, **environment):
    return subprocess.run(
        [BIN / "monitor", *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


@pytest.fixture(scope="module")
def steady(tmp_path_factory, bundle):
    """A world whose images are like the reference's, which tests leave as it is."""
    world = World(tmp_path_factory.mktemp("steady"))
    world.publish(bundle, "production", "candidate")
    world.predict(bundle, 300)
    return world


@pytest.fixture
def drifted(world, bundle):
    world.publish(bundle, "production")
    world.predict(bundle, 300, scale=DARKER)
    return world


def test_help_shows_examples_flags_and_subcommands(tmp_path):
    done = run("--help", cwd=tmp_path)
    assert done.returncode == 0
    for text in ("--registry", "--database", "check", "report", "approve", "decline", "settings"):
        assert text in done.stdout
    for command in ("check", "report", "approve", "decline", "settings"):
        assert "Example:" in run(command, "--help", cwd=tmp_path).stdout


def test_help_imports_nothing_heavy():
    code = (
        "import sys\nfrom mlopsproj_monitor import cli\n"
        "heavy = {'fastapi', 'matplotlib', 'numpy', 'pydantic', 'pyarrow', 'rich', 'scipy',"
        " 'sqlalchemy'}\nprint(heavy & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_a_start_imports_no_torch_and_nothing_that_is_not_needed():
    code = (
        "import sys\nfrom mlopsproj_monitor import running\n"
        "heavy = {'torch', 'matplotlib', 'rich', 'sklearn', 'onnxruntime', 'evidently'}\n"
        "print(heavy & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_a_check_without_drift_ends_with_0(steady):
    done = run("check", cwd=steady.folder)
    assert done.returncode == 0, done.stderr
    first, second, third, *_ = done.stdout.splitlines()
    assert first.startswith("brightness:1 (@production): no drift (p ")
    assert second.startswith("window 300 images from ")
    assert "of the reference 90.0 %" in third


def test_a_check_of_drift_ends_with_3_and_says_what_changed(drifted):
    done = run("check", cwd=drifted.folder)
    assert done.returncode == 3, done.stderr
    assert "changed: brightness fell" in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize("images", [0, pytest.param(99, marks=SLOW)])
def test_a_check_of_too_few_ends_with_4(world, bundle, images):
    world.publish(bundle, "production")
    world.predict(bundle, images)
    done = run("check", "--json", cwd=world.folder)
    assert done.returncode == 4, done.stderr
    found = json.loads(done.stdout)
    assert (found["verdict"], found["images"]) == ("not enough data", images)


@pytest.mark.parametrize(
    "arguments",
    [["--window-images", "200"], pytest.param(["--window-hours", "24"], marks=SLOW)],
)
def test_json_stands_alone_on_stdout(steady, arguments):
    done = run("check", "--json", "--alpha", "0.001", *arguments, cwd=steady.folder)
    found = json.loads(done.stdout)
    assert (found["verdict"], found["alpha"]) == ("no drift", 0.001)
    assert found["images"] == (200 if "--window-images" in arguments else 300)
    assert done.stderr == ""


@SLOW
def test_a_flag_says_the_window_whatever_the_environment_said(steady):
    done = run(
        *("check", "--json", "--window-hours", "24"),
        cwd=steady.folder,
        MLOPSPROJ_MONITOR_WINDOW_IMAGES="150",
    )
    assert json.loads(done.stdout)["images"] == 300


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        pytest.param(["--model", "brightness:1"], 0, "", marks=SLOW),
        pytest.param(["--model", "brightness@candidate"], 0, "", marks=SLOW),
        (["--model", "brightness:9"], 1, "There is no brightness:9"),
        (["--model", "pets"], 1, "pets"),
        (["--since", "yesterday"], 2, "--since is 'yesterday'"),
        (["--since", "2020-01-01", "--act"], 2, "--act"),
        (["--window-images", "10", "--window-hours", "1"], 2, "Unset one"),
        (["--window-images", "0"], 2, "MLOPSPROJ_MONITOR_WINDOW_IMAGES is '0'"),
        (["--alpha", "0.9"], 2, "alpha=0.9"),
        (["--alpha", "x"], 2, "Invalid value for '--alpha'"),
    ],
)
def test_what_is_asked_for_is_done_or_refused_in_a_line(steady, arguments, code, said):
    done = run("check", "--json", *arguments, cwd=steady.folder)
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert bool(done.stdout) == (code == 0)


@SLOW
def test_a_reference_that_cannot_be_read_is_one_clear_error(world, tmp_path):
    from small_bundle import make_small_bundle

    world.publish(make_small_bundle(tmp_path / "broken"), "production")
    done = run("check", cwd=world.folder)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert "reference.parquet" in done.stderr
    assert done.stderr.count("\n") == 1


@SLOW
def test_a_bundle_of_another_schema_is_one_clear_error(world, bundle):
    number = world.publish(bundle, "production")
    manifest = world.folder / "registry" / "brightness" / "versions" / str(number) / "manifest.json"
    manifest.chmod(0o644)
    manifest.write_text(
        manifest.read_text()
        .replace('"schema":1', '"schema":9')
        .replace('"schema": 1', '"schema": 9')
    )
    done = run("check", cwd=world.folder)
    assert done.returncode == 1
    assert "has schema 9" in done.stderr


@pytest.mark.parametrize(
    ("url", "code"), [("mysql://host", 2), ("postgresql://me:secret@127.0.0.1:9/log", 1)]
)
def test_a_database_that_cannot_be_used_is_one_clear_error(steady, url, code):
    done = run("check", cwd=steady.folder, MLOPSPROJ_DATABASE_URL=url)
    assert done.returncode == code
    assert done.stderr.startswith("error: ")
    assert "secret" not in done.stderr
    assert done.stderr.count("\n") == 1


@SLOW
def test_nothing_is_kept_unless_it_is_told_to_act(drifted):
    for arguments, kept in (([], 0), (["--act"], 1), (["--act"], 2)):
        done = run(
            "check", *arguments, cwd=drifted.folder, MLOPSPROJ_MONITOR_RETRAIN="command:true"
        )
        assert done.returncode == 3, done.stderr
        with Database(drifted.database_url) as database:
            assert len(DriftHistory(database).checks()) == kept
            assert Outbox(database).counts() == {"pending": 0, "delivered": min(1, kept)}
            assert len(Retrainings(database).recent()) == min(1, kept)


@SLOW
def test_a_person_decides_of_what_waits(drifted):
    retrain = {"MLOPSPROJ_MONITOR_RETRAIN": "command:touch trained"}
    assert run("approve", cwd=drifted.folder).returncode == 1
    assert run("check", "--act", cwd=drifted.folder, **retrain).returncode == 3
    done = run("approve", "--reason", "new camera", "--json", cwd=drifted.folder)
    decided = json.loads(done.stdout)
    assert (decided["state"], decided["reason"]) == ("approved", "new camera")
    again = run("approve", decided["id"], cwd=drifted.folder)
    assert "is approved" in again.stdout
    declined = run("decline", decided["id"], cwd=drifted.folder)
    assert f"{decided['id']} is declined" in declined.stdout
    refused = run("approve", decided["id"], cwd=drifted.folder)
    assert refused.returncode == 1
    assert "declined already" in refused.stderr
    assert run("approve", "x", cwd=drifted.folder).returncode == 1


@SLOW
def test_a_report_is_a_page(steady):
    done = run("report", "pages/report.html", "--json", cwd=steady.folder)
    written = json.loads(done.stdout)
    assert written["check"]["verdict"] == "no drift"
    page = (steady.folder / written["path"]).read_text()
    assert "<b>300</b>" in page
    assert [path.name for path in (steady.folder / "pages").iterdir()] == ["report.html"]


@SLOW
def test_a_report_that_cannot_be_written_is_one_clear_error(steady):
    done = run("report", "mlopsproj.db/report.html", cwd=steady.folder)
    assert done.returncode == 1
    assert "cannot be written" in done.stderr
    assert done.stderr.count("\n") == 1


def test_settings_shows_what_counts(tmp_path):
    environment = {"MLOPSPROJ_MONITOR_ALPHA": "0.05", "MLOPSPROJ_MONITOR_KEYS": ""}
    done = run("--port", "9000", "settings", "--json", cwd=tmp_path, **environment)
    shown = json.loads(done.stdout)
    assert shown["MLOPSPROJ_MONITOR_PORT"] == "9000"
    assert shown["MLOPSPROJ_MONITOR_ALPHA"] == "0.05"
    assert (
        f"{'MLOPSPROJ_MONITOR_ALPHA':36}  0.05"
        in run("settings", cwd=tmp_path, **environment).stdout
    )


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"MLOPSPROJ_MONITOR_ALPHA": "none"}, "MLOPSPROJ_MONITOR_ALPHA is 'none'"),
        ({"MLOPSPROJ_MONITOR_KEYS": "secret"}, "MLOPSPROJ_MONITOR_KEYS cannot be used"),
        ({"MLOPSPROJ_ADMIN_KEYS": "secret"}, "MLOPSPROJ_ADMIN_KEYS cannot be used"),
        ({"MLOPSPROJ_DATABASE_URL": "mysql://host"}, "MLOPSPROJ_DATABASE_URL=mysql://host"),
        ({"MLOPSPROJ_EVENT_URL": "ftp://secret"}, "MLOPSPROJ_EVENT_URL begins with 'ftp'"),
        ({"MLOPSPROJ_MONITOR_RETRAIN": "secret"}, "MLOPSPROJ_MONITOR_RETRAIN begins with"),
    ],
)
def test_a_service_does_not_start_with_a_setting_that_cannot_be_used(tmp_path, environment, said):
    done = run("--port", "0", cwd=tmp_path, **environment)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(f"error: {said}")
    assert "secret" not in done.stderr.replace("begins with 'secret'", "")
    assert done.stderr.count("\n") == 1


def test_a_port_that_is_taken_is_one_clear_error(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = run("--port", port, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: Port {port} of 127.0.0.1 is taken")
