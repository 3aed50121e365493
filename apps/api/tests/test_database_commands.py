"""A running service's log is backed up; what is restored answers for what it was told."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from serving.pictures import plain

BIN = Path(sys.executable).parent


def run(*arguments, cwd):
    return subprocess.run(
        [BIN / "api", *map(str, arguments)],
        cwd=cwd,
        env={**os.environ},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def answered(api_with_log):
    """Ids of three predictions of a service that runs, the last of which was spoken of."""
    api = api_with_log
    ids = [api.predict(plain(250), "image/png").json()["id"] for _ in range(3)]
    told = {"prediction_id": ids[-1], "label": "dark"}
    assert api.client.post("/v1/feedback", json=told).is_success
    api.wait_until(
        lambda: api.client.get(f"/v1/predictions/{ids[-1]}").json().get("feedback"),
        "did not store the feedback",
    )
    return ids


@pytest.fixture(scope="module")
def api_with_log(start_api):
    return start_api(MLOPSPROJ_API_LOG="1")


def test_a_log_is_backed_up_while_it_is_written_and_restored(api_with_log, answered, tmp_path):
    database = f"sqlite:///{api_with_log.folder}/mlopsproj.db"
    made = run("--database", database, "backup", "backup", "--json", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    said = json.loads(made.stdout)
    filled = {name: rows for name, rows in said["rows"].items() if rows}
    assert filled == {"feedback": 1, "prediction": 3}
    assert (said["path"], said["waiting_in_spool"]) == ("backup", 0)
    assert said["bytes"] > 0
    other = f"sqlite:///{tmp_path}/other.db"
    restored = run("--database", other, "restore", "backup", "--json", cwd=tmp_path)
    assert restored.returncode == 0, restored.stderr
    assert json.loads(restored.stdout)["rows"] == said["rows"]
    assert json.loads(restored.stdout)["schema_now"]
    out = tmp_path / "log.parquet"
    assert run("--database", other, "export-log", out, cwd=tmp_path).returncode == 0
    rows = pq.read_table(out).to_pylist()
    assert [row["id"] for row in rows] == answered
    assert [row["feedback_label"] for row in rows] == [None, None, "dark"]
    # It is not restored twice, and says what to do.
    again = run("--database", other, "restore", "backup", cwd=tmp_path)
    assert (again.returncode, again.stdout) == (1, "")
    assert "restore into an empty one" in again.stderr


def test_what_is_said_to_a_person(api_with_log, answered, tmp_path):
    database = f"sqlite:///{api_with_log.folder}/mlopsproj.db"
    made = run("--database", database, "backup", "backup", cwd=tmp_path)
    assert made.stdout.startswith("backup holds 3 predictions and 1 labels (")
    assert "restore backup" in made.stdout
    restored = run("--database", f"sqlite:///{tmp_path}/o.db", "restore", "backup", cwd=tmp_path)
    assert "holds 3 predictions and 1 labels now, as of 20" in restored.stdout
    assert restored.stdout.endswith("UTC. Next: api\n")


def test_records_that_wait_are_counted(api_with_log, answered, tmp_path):
    """The spool of a service that was killed before it moved them, and a database without them."""
    from mlopsproj_records.frames import frame
    from mlopsproj_records.spool import Spool

    (tmp_path / "spool").mkdir()
    database = f"sqlite:///{api_with_log.folder}/mlopsproj.db"
    spool = Spool(tmp_path / "spool", 1 << 20, database=database)
    spool.write("records", frame(spool.marker, b"\xc1") * 2, 2)
    made = run("--database", database, "backup", "backup", "--json", cwd=tmp_path)
    assert made.returncode == 0
    assert json.loads(made.stdout)["waiting_in_spool"] == 2
    assert "warning: 2 records wait in the spool spool" in made.stderr


def test_a_spool_that_cannot_be_read_spoils_no_backup(api_with_log, answered, tmp_path):
    (tmp_path / "spool").touch()
    database = f"sqlite:///{api_with_log.folder}/mlopsproj.db"
    made = run("--database", database, "backup", "backup", "--json", cwd=tmp_path)
    assert made.returncode == 0
    assert json.loads(made.stdout)["waiting_in_spool"] is None
    assert "warning: nobody knows what waits in the spool: The spool spool" in made.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("backup", "backup"), "There is no database sqlite:///mlopsproj.db"),
        (("restore", "nowhere"), "nowhere holds no backup of a prediction log"),
    ],
)
def test_what_is_not_there(tmp_path, arguments, told):
    done = run(*arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"error: {told}")
    assert list(tmp_path.iterdir()) == []


def test_help_shows_an_example(tmp_path):
    for command in ("backup", "restore"):
        assert "Example: api " in run(command, "--help", cwd=tmp_path).stdout
