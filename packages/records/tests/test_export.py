import json
import math
import tracemalloc
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mlopsproj_core.errors import DatabaseAwayError, RecordsError
from mlopsproj_core.image import ImageStatistics
from mlopsproj_records import Database, export, export_log
from mlopsproj_records.export import SCHEMA
from sqlalchemy import text

START = datetime(2026, 1, 1, tzinfo=UTC)


def test_a_row_holds_a_prediction_and_the_feedback_that_counts(database, predicted, said, tmp_path):
    statistics = ImageStatistics(640, 480, "RGB", 0.5, 0.25, 0.125, 0.0)
    record = predicted(
        statistics=statistics.as_dict(), image_url="file:///a.jpg", shadow_of="p0", time=START
    )
    late = START + timedelta(hours=1)
    bare = predicted(time=late, top_k=(), latency_ms={}, probabilities=b"", embedding=b"")
    old, new = said(record, "bird", time=START), said(record, "dog", time=late)
    database.insert([bare, record, old, new])
    path = tmp_path / "new folder" / "log.parquet"
    summary = export_log(database, path)
    assert (summary.path, summary.predictions, summary.with_feedback) == (path, 2, 1)
    assert summary.bytes == path.stat().st_size
    table = pq.read_table(path)
    assert table.schema.equals(SCHEMA)
    row, other = table.to_pylist()
    assert row == {
        "id": record.id,
        "time": START,
        "model": "animals",
        "version": 3,
        "top_k": [{"class": "cat", "probability": 0.75}, {"class": "dog", "probability": 0.25}],
        "probabilities": [0.25, 0.75],
        "embedding": [0.5, -1.0, 2.0],
        "ood_score": 1.5,
        "statistics": statistics.as_dict(),
        "other_statistics": None,
        "latency_ms": [("queue", 0.25), ("decode", 1.5), ("infer", 2.0)],
        "request_id": "r1",
        "image_sha256": "ab" * 32,
        "image_url": "file:///a.jpg",
        "shadow_of": "p0",
        "feedback_label": "dog",
        "feedback_actor": "ann",
        "feedback_time": late,
    }
    assert (other["top_k"], other["probabilities"], other["latency_ms"]) == ([], [], [])
    assert (other["feedback_label"], other["image_url"]) == (None, None)


def test_a_statistic_without_a_column_is_kept_aside(database, predicted, tmp_path):
    statistics = {"width": 1, "brightness": 1, "height": "tall", "entropy": 0.5, "mode": "L"}
    database.insert([predicted(statistics=statistics)])
    export_log(database, tmp_path / "log.parquet")
    (row,) = pq.read_table(tmp_path / "log.parquet").to_pylist()
    assert json.loads(row["other_statistics"]) == {"height": "tall", "entropy": 0.5}
    found = {key: value for key, value in row["statistics"].items() if value is not None}
    assert found == {"width": 1, "brightness": 1.0, "mode": "L"}


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    classes=st.lists(st.sampled_from([1, 2, 10, 1000]), min_size=1, max_size=4),
    width=st.sampled_from([0, 1, 128]),
    score=st.floats(),
    name=st.text(st.characters(exclude_categories=["Cs"])),
)
def test_arrays_come_out_as_they_were_computed(predicted, tmp_path_factory, classes, **values):
    width, score, name = values["width"], values["score"], values["name"]
    random = np.random.default_rng(len(classes))
    probabilities = [random.dirichlet(np.ones(k)).astype("<f4") for k in classes]
    embedding = random.normal(size=width).astype("<f2")
    folder = tmp_path_factory.mktemp("export")
    with Database(f"sqlite:///{folder}/log.db") as database:
        database.insert(
            [
                predicted(
                    probabilities=row.tobytes(),
                    embedding=embedding.tobytes(),
                    ood_score=score,
                    top_k=((name, float(row[0])),),
                )
                for row in probabilities
            ]
        )
        export_log(database, folder / "log.parquet")
    table = pq.read_table(folder / "log.parquet")
    for row, expected in zip(table.to_pylist(), probabilities, strict=True):
        np.testing.assert_array_equal(np.float32(row["probabilities"]), expected)
        np.testing.assert_array_equal(np.float32(row["embedding"]), embedding.astype(np.float32))
        assert row["top_k"] == [{"class": name, "probability": float(expected[0])}]
        assert row["ood_score"] == score or math.isnan(row["ood_score"])


def test_only_what_is_asked_for_is_exported(database, predicted, tmp_path):
    records = [
        predicted(model=("a", "b")[n % 2], version=1 + n % 3, time=START + timedelta(days=n))
        for n in range(12)
    ]
    database.insert(records)

    def ids(**conditions):
        summary = export_log(database, tmp_path / "log.parquet", **conditions)
        found = pq.read_table(summary.path)["id"].to_pylist()
        assert summary.predictions == len(found)
        return found

    assert ids() == [record.id for record in records]
    assert ids(model="a", version=2) == [records[4].id, records[10].id]
    between = {"since": records[2].time, "until": records[5].time}
    assert ids(**between) == [record.id for record in records[2:5]]
    assert ids(model="nothing") == []
    assert pq.read_schema(tmp_path / "log.parquet").equals(SCHEMA)


def test_what_fails_leaves_the_file_that_was_there(database, predicted, tmp_path, monkeypatch):
    monkeypatch.setattr(export, "_PAGE", 2)
    monkeypatch.setattr(export, "_ROW_GROUP_ROWS", 2)
    records = [predicted(time=START + timedelta(days=n)) for n in range(5)]
    database.insert(records)
    path = tmp_path / "log.parquet"
    export_log(database, path)
    before = path.read_bytes()
    bad = text(
        "UPDATE prediction SET embedding = probabilities, probabilities = :odd WHERE id = :id"
    )
    database.run(lambda c: c.execute(bad, {"odd": b"\1\2\3", "id": records[4].id}), writes=True)
    with pytest.raises(
        RecordsError, match=f"{records[4].id} .*3 bytes are no whole number of floa"
    ):
        export_log(database, path)
    database.run(lambda c: c.execute(text("DROP TABLE feedback")), writes=True)
    with pytest.raises(DatabaseAwayError):
        export_log(database, path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir() if "parquet" in p.name] == ["log.parquet"]


def test_a_file_that_cannot_be_written_is_told(database, predicted, tmp_path):
    database.insert([predicted()])
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    for path in (tmp_path / "folder", tmp_path / "file" / "log.parquet"):
        with pytest.raises(RecordsError, match=r"cannot be written .*: name another file"):
            export_log(database, path)
    assert sorted(p.name for p in tmp_path.iterdir() if "log.db" not in p.name) == [
        "file",
        "folder",
    ]


def test_rows_are_written_in_large_groups_with_the_memory_of_one(predicted, tmp_path, monkeypatch):
    monkeypatch.setattr(export, "_ROW_GROUP_BYTES", 1_000_000)
    embedding, peaks = np.zeros(1024, "<f2").tobytes(), []
    with Database(f"sqlite:///{tmp_path}/log.db") as database:
        for part in range(6):
            time = START + timedelta(days=part)
            database.insert([predicted(embedding=embedding, time=time) for _ in range(1000)])
        for days in (0, 1, 6):
            tracemalloc.start()
            summary = export_log(
                database, tmp_path / "log.parquet", until=START + timedelta(days=days)
            )
            assert summary.predictions == 1000 * days
            peaks.append(tracemalloc.get_traced_memory()[1])
            peaks.append(pa.default_memory_pool().max_memory())
            tracemalloc.stop()
    assert pq.ParquetFile(tmp_path / "log.parquet").num_row_groups == 6
    # Of Python's objects and of Arrow's; without the first, which fills the caches.
    assert peaks[4] < 1.5 * peaks[2]
    assert peaks[5] < 1.5 * peaks[3]
