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

import msgspec
import numpy as np
from mlopsproj_records import Database, FeedbackRecord, PredictionRecord, upgrade
from mlopsproj_records.backup import back_up
from mlopsproj_records.migration import HEAD

HERE = Path(__file__).parent
START = datetime(2026, 11, 30, 8, 15, 30, 250, UTC)


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
        back_up(sqlite, HERE / f"{HEAD}.backup")
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
    text = msgspec.json.encode({"predictions": predictions, "feedback": feedback})
    (HERE / f"{HEAD}.json").write_bytes(msgspec.json.format(text) + b"\n")


def _write(kind: str, text: str) -> None:
    (HERE / f"{HEAD}.{kind}.sql").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
