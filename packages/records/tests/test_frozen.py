"""What an earlier release wrote is brought up, with every row kept: see `frozen/make_frozen.py`."""

import json
import sqlite3
from pathlib import Path

import msgspec
import pytest
from mlopsproj_records import Database, DriftHistory, Outbox, Retrainings, migration
from mlopsproj_records.backup import back_up
from mlopsproj_records.restoration import restore
from mlopsproj_records.schema import REVISIONS

FROZEN = Path(__file__).with_name("frozen")


@pytest.fixture(params=REVISIONS)
def revision(request):
    return request.param


@pytest.fixture
def frozen_url(empty_url, revision, postgresql_server):
    """A database of either kind as the release of that revision left it."""
    kind = "sqlite" if empty_url.startswith("sqlite") else "postgresql"
    dump = (FROZEN / f"{revision}.{kind}.sql").read_text(encoding="utf-8")
    if kind == "sqlite":
        with sqlite3.connect(empty_url.removeprefix("sqlite:///")) as connection:
            connection.executescript(dump)
        connection.close()
    else:
        postgresql_server.execute(dump)
    return empty_url


def assert_holds(url, revision):
    """Every record of that revision, field by field; fields that came later may be there too."""
    expected = json.loads((FROZEN / f"{revision}.json").read_bytes())
    with Database(url) as database:
        checks = DriftHistory(database).checks()
        retrainings = Retrainings(database).recent()
        events = {
            entry.event.to_json(): entry.state
            for entry in (Outbox(database).find(check.id) for check in checks)
            if entry
        }
        stored = {found.record.id: found for found in database.predictions()}
    assert len(stored) == len(expected["predictions"]) == 8
    latest = {said["prediction_id"]: said for said in expected["feedback"]}
    for record in expected["predictions"]:
        found = stored[record["id"]]
        assert as_json(found.record) | record == as_json(found.record)
        assert as_json(found.feedback) == latest.get(record["id"])
    assert as_json(checks[::-1]) == expected.get("checks", [])
    assert events == expected.get("events", {})
    assert as_json(retrainings) == expected.get("retrainings", [])


def as_json(record):
    return json.loads(msgspec.json.encode(record))


def test_a_database_of_every_revision_is_migrated_with_its_rows(frozen_url, revision):
    assert migration.current(frozen_url) == revision
    assert migration.upgrade(frozen_url) == revision
    assert migration.current(frozen_url) == migration.HEAD
    assert_holds(frozen_url, revision)


def test_it_can_be_backed_up_before_it_is_migrated(frozen_url, revision, tmp_path):
    made = back_up(frozen_url, tmp_path / "backup")
    assert made.manifest.revision == migration.current(frozen_url) == revision
    restored = f"sqlite:///{tmp_path}/restored.db"
    restore(restored, made.path)
    assert_holds(restored, revision)


def test_a_backup_of_every_revision_is_restored(empty_url, revision):
    manifest = restore(empty_url, FROZEN / f"{revision}.backup")
    assert manifest.revision == revision
    assert migration.current(empty_url) == migration.HEAD
    assert_holds(empty_url, revision)
