"""Makes the databases that later releases must bring up: `python make_frozen.py POSTGRESQL_URL`.

Run it once for each revision of the schema, by the release that has it, with the URL of an empty
database of PostgreSQL and `pg_dump` on the path, and commit what it makes: what stands here already
is never made again.

    {revision}.sqlite.sql, {revision}.postgresql.sql     dumps
    {revision}.json                                      the records that are in them
    {revision}.backup/                                   a backup of them
"""

import sqlite3
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import msgspec
import numpy as np
from mlopsproj_core.errors import EventError
from mlopsproj_core.events import DriftVerdict, Event, drift_detected
from mlopsproj_records import (
    Database,
    DriftCheckRecord,
    DriftHistory,
    FeedbackRecord,
    Outbox,
    PredictionRecord,
    RetrainingRequest,
    Retrainings,
    upgrade,
)
from mlopsproj_records.backup import back_up
from mlopsproj_records.migration import HEAD

HERE = Path(__file__).parent
START = datetime(2026, 11, 30, 8, 15, 30, 250, UTC)
RETRAINING = "01930000-0000-7000-8000-000000000200"


def records() -> tuple[list[PredictionRecord], list[FeedbackRecord]]:
    """Eight predictions, one of them with whatever is odd; and what was said of two."""
    random = np.random.default_rng(7)
    predictions = [
        PredictionRecord(
            id=f"01930000-0000-7000-8000-{number:012d}",
            time=START + timedelta(hours=number),
            model="fashion-mnist",
            version=1 + number // 4,
            top_k=(("Sandal", 0.75), ("Bag", 0.25)),
            probabilities=random.random(2, np.float32).tobytes(),
            embedding=random.random(4, np.float32).astype("<f2").tobytes(),
            ood_score=number / 3,
            statistics={"width": 640, "height": 480, "mode": "RGB", "brightness": 0.5},
            latency_ms={"queue": 0.25, "decode": 1.5, "infer": 2.0},
            request_id=f"r{number // 2}",
            image_sha256=f"{number:064x}",
            image_url=f"file:///images/{number}.png" if number % 2 else None,
            shadow_of="01930000-0000-7000-8000-000000000000" if number == 1 else None,
        )
        for number in range(7)
    ]
    odd = {"id": f"{predictions[0].id}-odd", "model": "ünï 'x' 😀", "top_k": (), "latency_ms": {}}
    predictions.append(msgspec.structs.replace(predictions[0], **odd, probabilities=b""))
    feedback = [
        FeedbackRecord(f"f{number}", predictions[number % 2].id, f"label {number}", "ann", START)
        for number in range(3)
    ]
    return predictions, feedback


def checks() -> list[DriftCheckRecord]:
    """Two checks that found drift, and one that could not be made."""
    return [
        DriftCheckRecord(
            id=f"01930000-0000-7000-8000-00000000010{number}",
            time=START + timedelta(hours=number),
            model="fashion-mnist",
            version=2,
            verdict="not enough data" if number == 2 else "drift",
            p_value=None if number == 2 else 0.0005,
            images=0 if number == 2 else 1000,
            since=None if number == 2 else START,
            until=None if number == 2 else START + timedelta(hours=number),
            document={"detectors": [{"name": "brightness", "effect": 0.25}], "odd": "ünï 'x' 😀"},
        )
        for number in range(3)
    ]


def keep_checks(database: Database) -> None:
    """Keep them, with an event that is delivered, and one that nobody takes; and a retraining."""

    def clock() -> datetime:
        return START + timedelta(hours=3)

    history, outbox = DriftHistory(database, clock=clock), Outbox(database, clock=clock)
    for number, check in enumerate(checks()):
        verdict = DriftVerdict(changed=("brightness",), p_value=0.0005, images=check.images)
        event = drift_detected(
            UUID(check.id),
            time=check.time,
            model=check.model,
            version=check.version,
            source="sqlite:///mlopsproj.db",
            verdict=verdict,
        )
        history.record(
            check,
            event=event if check.verdict == "drift" else None,
            key=f"drift {number}",
            cooldown_seconds=3600,
            retraining=RetrainingRequest(RETRAINING, "command: train"),
        )
        outbox.deliver_due(_take if number == 0 else _refuse)
    Retrainings(database, clock=clock).approve(RETRAINING, actor="ann", reason="it rains")


def _take(event: Event) -> None:
    """Be told."""


def _refuse(event: Event) -> None:
    raise EventError("nobody is there")


def main(postgresql: str) -> None:
    """Write every file of the present revision."""
    predictions, feedback = records()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "log.db")
        sqlite = f"sqlite:///{path}"
        for url in (sqlite, postgresql):
            upgrade(url)
            with Database(url) as database:
                database.insert([*predictions, *feedback])
                keep_checks(database)
        back_up(sqlite, HERE / f"{HEAD}.backup")
        with Database(sqlite) as database:
            retrainings = Retrainings(database).recent()
            events = [Outbox(database).find(check.id) for check in checks()]
        with sqlite3.connect(path) as connection:
            _write("sqlite", "\n".join(connection.iterdump()) + "\n")
    dumped = subprocess.run(
        ["pg_dump", "--inserts", "--no-owner", postgresql],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    lines = [line for line in dumped.splitlines() if line and not line.startswith(("--", "\\"))]
    _write("postgresql", "\n".join(lines) + "\n")
    kept = {
        "predictions": predictions,
        "feedback": feedback,
        "checks": checks(),
        "events": {entry.event.to_json(): entry.state for entry in events if entry},
        "retrainings": retrainings,
    }
    text = msgspec.json.encode(kept)
    (HERE / f"{HEAD}.json").write_bytes(msgspec.json.format(text) + b"\n")


def _write(kind: str, text: str) -> None:
    (HERE / f"{HEAD}.{kind}.sql").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
