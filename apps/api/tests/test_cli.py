import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from mlopsproj_serving.http.keys import KeyRing
from serving.pictures import plain

BIN = Path(sys.executable).parent
SEVERAL = pytest.param(
    "2", marks=pytest.mark.skipif(sys.platform == "win32", reason="several are refused there")
)


def run(*arguments, cwd, **environment):
    return subprocess.run(
        [BIN / "api", *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_help_shows_examples_flags_and_subcommands(tmp_path):
    done = run("--help", cwd=tmp_path)
    assert done.returncode == 0
    for text in ("--workers", "--registry", "export-log", "migrate", "hash-key", "settings"):
        assert text in done.stdout
    assert "api --port 8080 --workers 2" in done.stdout
    for command in ("export-log", "migrate", "hash-key", "settings"):
        assert "Example:" in run(command, "--help", cwd=tmp_path).stdout


def test_help_imports_nothing_heavy():
    code = (
        "import sys\nfrom mlopsproj_api import cli\n"
        "heavy = {'fastapi', 'numpy', 'onnxruntime', 'pydantic', 'pyarrow', 'sqlalchemy'}\n"
        "print(heavy & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_a_start_imports_no_torch_and_nothing_that_is_not_needed():
    code = (
        "import sys\nfrom mlopsproj_api import worker, supervisor\n"
        "heavy = {'torch', 'pyarrow', 'alembic', 'prometheus_client', 'rich', 'scipy',"
        " 'sklearn', 'opentelemetry.sdk'}\n"
        "print(heavy & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_port_that_is_taken_is_one_clear_error(tmp_path, workers):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = run("--port", port, "--workers", workers, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith(f"error: Port {port} of 127.0.0.1 is taken")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("workers", ["1", SEVERAL])
def test_a_spool_that_cannot_be_written_is_one_clear_error(tmp_path, workers):
    (tmp_path / "spool").write_bytes(b"a file")
    done = run("--port", "0", "--workers", workers, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("error: MLOPSPROJ_SPOOL_DIR is 'spool'")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"MLOPSPROJ_API_WORKERS": "none"}, "MLOPSPROJ_API_WORKERS is 'none'"),
        ({"MLOPSPROJ_API_KEYS": "secret"}, "MLOPSPROJ_API_KEYS cannot be used"),
        ({"MLOPSPROJ_ADMIN_KEYS": "secret"}, "MLOPSPROJ_ADMIN_KEYS cannot be used"),
        ({"MLOPSPROJ_DATABASE_URL": "mysql://host"}, "MLOPSPROJ_DATABASE_URL=mysql://host"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(tmp_path, environment, said):
    done = run("--port", "0", cwd=tmp_path, **environment)
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {said}")
    assert "secret" not in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_flag_that_is_not_known_is_a_usage_error(tmp_path):
    assert run("--prot", "8000", cwd=tmp_path).returncode == 2


def test_settings_shows_what_counts(tmp_path):
    environment = {"MLOPSPROJ_API_WORKERS": "3", "MLOPSPROJ_API_KEYS": ""}
    done = run("--port", "9000", "settings", "--json", cwd=tmp_path, **environment)
    shown = json.loads(done.stdout)
    assert shown["MLOPSPROJ_API_PORT"] == "9000"
    assert shown["MLOPSPROJ_API_WORKERS"] == "3"
    assert f"{'MLOPSPROJ_API_WORKERS':33}  3" in run("settings", cwd=tmp_path, **environment).stdout


def test_a_key_that_was_made_is_known_by_its_entry(tmp_path):
    done = run("hash-key", "frontend", "--json", cwd=tmp_path)
    made = json.loads(done.stdout)
    assert KeyRing.parse(made["entry"]).who(made["key"]) == "frontend"
    text = run("hash-key", cwd=tmp_path).stdout
    lines = dict(line.split(maxsplit=1) for line in text.splitlines()[:2])
    assert KeyRing.parse(lines["entry"]).who(lines["key"]) == "key"
    assert run("hash-key", "two words", cwd=tmp_path).returncode == 2


def test_what_was_answered_is_exported(api, tmp_path):
    image = plain(250)
    first, second = (api.predict(image, "image/png").json() for _ in range(2))
    told = {"prediction_id": second["id"], "label": "dark"}
    assert api.client.post("/v1/feedback", json=told).is_success
    api.wait_until(
        lambda: api.client.get(f"/v1/predictions/{second['id']}").json().get("feedback"),
        "did not store the feedback",
    )
    database = f"sqlite:///{api.folder}/mlopsproj.db"
    out = tmp_path / "log.parquet"
    done = run(
        *("--database", database, "export-log", out, "--since", "2020-01-01", "--json"),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert (summary["predictions"], summary["with_feedback"]) == (2, 1)
    rows = pq.read_table(out).to_pylist()
    assert [row["id"] for row in rows] == [first["id"], second["id"]]
    assert [row["feedback_label"] for row in rows] == [None, "dark"]

    def exported(*arguments):
        done = run("--database", database, "export-log", out, "--json", *arguments, cwd=tmp_path)
        return json.loads(done.stdout)["predictions"]

    assert exported("--model", "brightness") == exported("--model", "brightness:1") == 2
    assert exported("--model", "brightness:2") == exported("--until", "2020-01-01") == 0
    assert "2 predictions" in run("--database", database, "export-log", out, cwd=tmp_path).stdout


@pytest.mark.parametrize(
    "arguments",
    [("--since", "yesterday"), ("--until", "32"), ("--model", "x@y"), ("--model", "x:two")],
)
def test_what_is_to_be_exported_is_checked(tmp_path, arguments):
    done = run("export-log", "out.parquet", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {arguments[0]} is {arguments[1]!r}")
    assert not (tmp_path / "out.parquet").exists()


def test_a_database_is_migrated_once(tmp_path):
    first = json.loads(run("migrate", "--json", cwd=tmp_path).stdout)
    assert first["before"] is None
    assert first["after"]
    assert "already" in run("migrate", cwd=tmp_path).stdout
