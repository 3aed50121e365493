import math
import subprocess
import sys
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mlopsproj_core.errors import ConfigError, DatabaseAwayError, MigrationError, RecordsError
from mlopsproj_records import Database, FeedbackRecord, PredictionRecord, upgrade, uuid7
from mlopsproj_records import database as database_module
from sqlalchemy import text

START = datetime(2026, 1, 1, tzinfo=UTC)

# PostgreSQL knows no NUL in a text.
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
numbers = st.floats(width=64)
times = st.datetimes(
    datetime(1970, 1, 1),  # noqa: DTZ001 (hypothesis adds the zone)
    datetime(2200, 1, 1),  # noqa: DTZ001
    timezones=st.sampled_from([timezone(timedelta(minutes=m)) for m in (0, 330, -719)]),
)


@st.composite
def predictions(draw):
    classes = draw(st.sampled_from([1, 2, 10, 1000]))
    random = np.random.default_rng(draw(st.integers(0, 99)))
    return PredictionRecord(
        id=uuid7(),
        time=draw(times),
        model=draw(texts),
        version=draw(st.integers(1, 2**31 - 1)),
        top_k=tuple(
            (draw(texts), draw(st.floats(0, 1) | st.just(math.nan))) for _ in range(min(classes, 5))
        ),
        probabilities=random.dirichlet(np.ones(classes)).astype("<f4").tobytes(),
        embedding=draw(st.binary(max_size=64).map(lambda data: data * 2)),
        ood_score=draw(numbers),
        statistics=draw(st.dictionaries(texts, numbers | st.integers(-99, 2**53), max_size=4))
        | {"mode": draw(st.sampled_from(["RGB", "L", "I;16"]))},
        latency_ms=draw(st.dictionaries(texts, numbers, max_size=4)),
        request_id=draw(texts),
        image_sha256=draw(texts),
        image_url=draw(st.none() | texts),
        shadow_of=draw(st.none() | texts),
    )


def same(left, right):
    """Equal, where no number equals itself, and so do times of two zones, and -0.0 and 0.0."""
    both = [
        msgspec.structs.replace(
            record,
            time=record.time.astimezone(UTC).replace(fold=0),
            **({} if isinstance(record, FeedbackRecord) else {"ood_score": record.ood_score + 0.0}),
        )
        for record in (left, right)
    ]
    return repr(both[0]) == repr(both[1])


@settings(
    max_examples=20,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(records=st.lists(predictions(), min_size=1, max_size=6), label=texts, actor=texts)
def test_records_come_back_as_they_went(database, records, label, actor):
    said = FeedbackRecord(uuid7(), records[0].id, label, actor, records[0].time)
    assert database.insert([*records, said]) == []
    for record in records:
        assert same(database.prediction(record.id).record, record)
    assert same(database.prediction(records[0].id).feedback, said)


def test_a_record_is_inserted_once_however_often_it_is_offered(database, predicted, said):
    prediction = predicted()
    feedback = said(prediction)
    other = msgspec.structs.replace(prediction, model="another")
    for records in ([prediction, feedback], [feedback, prediction], [other], [prediction] * 3):
        assert database.insert(records) == []
    (found,) = database.predictions()
    assert (found.record, found.feedback) == (prediction, feedback)
    assert database.insert([]) == []


def test_what_is_not_there_is_none(database, predicted):
    assert database.prediction(uuid7()) is None
    for nothing in ("", "a\0b", "\ud800", "' OR 1=1 --", "x" * 10_000):
        assert database.prediction(nothing) is None
    assert list(database.predictions()) == []


@pytest.mark.parametrize("order", [1, -1])
def test_the_latest_feedback_counts_by_time_then_id(database, predicted, said, order):
    first, second, third = predicted(), predicted(), predicted()
    early, late = START, START + timedelta(microseconds=1)
    feedback = [
        said(first, "old", time=early, id="9"),
        said(first, "new", time=late, id="1"),
        said(second, "lower", time=early, id="a"),
        said(second, "higher", time=early, id="b"),
    ][::order]
    # As it may arrive: before its prediction.
    assert database.insert(feedback) == []
    assert database.insert([first, second, third]) == []
    assert database.prediction(first.id).feedback.label == "new"
    assert database.prediction(second.id).feedback.label == "higher"
    assert database.prediction(third.id).feedback is None
    found = [stored.feedback and stored.feedback.label for stored in database.predictions()]
    assert found == ["new", "higher", None]


@pytest.mark.parametrize("place", [0, 3, 999])
def test_a_refused_record_does_not_take_its_neighbours_along(database, predicted, said, place):
    records = [said(predicted()) if n % 3 else predicted() for n in range(1000)]
    records[place] = predicted(version=2**70)
    (refused,) = database.insert(records)
    assert refused.record == records[place]
    assert refused.reason
    stored = [database.prediction(r.id) for r in records if isinstance(r, PredictionRecord)]
    assert [s is None for s in stored].count(True) == 1


def test_records_that_no_driver_takes_are_refused_with_their_reasons(database, predicted, said):
    bad = [
        predicted(model=None),
        predicted(top_k=object()),
        predicted(time="yesterday"),
        said(predicted(), label="\ud800"),
        said(predicted(), label=object()),
        predicted(ood_score="high"),
    ]
    good = predicted()
    refused = database.insert([*bad[:3], good, *bad[3:]])
    assert sorted(r.record.id for r in refused) == sorted(record.id for record in bad)
    assert all(r.reason for r in refused)
    assert [stored.record for stored in database.predictions()] == [good]


def test_postgresql_refuses_a_text_that_it_cannot_hold(postgresql, predicted, said):
    upgrade(postgresql)
    named, labelled = predicted(top_k=(("\0", 1.0),)), said(predicted(), label="a\0b")
    with Database(postgresql) as database:
        (refused,) = database.insert([named, labelled])
        assert refused.record == labelled
        assert "0x00" in refused.reason
        assert database.prediction(named.id).record == named


def test_a_database_that_is_not_there_is_told_without_its_password(predicted):
    pytest.importorskip("psycopg", reason="the driver psycopg is not installed")
    with Database("postgresql://me:secret@127.0.0.1:1/log") as database:
        for use in (
            database.ping,
            lambda: database.insert([predicted()]),
            lambda: database.prediction("p"),
            lambda: next(database.predictions()),
        ):
            with pytest.raises(DatabaseAwayError, match=r"me:\*\*\*@127.0.0.1:1/log") as caught:
                use()
            assert "secret" not in str(caught.value)


def test_a_folder_that_cannot_be_is_told(tmp_path, predicted):
    (tmp_path / "file").touch()
    with (
        Database(f"sqlite:///{tmp_path}/file/log.db") as database,
        pytest.raises(DatabaseAwayError, match="file"),
    ):
        database.insert([predicted()])


def test_a_url_of_another_kind_is_refused_before_anything_is_opened():
    with pytest.raises(ConfigError, match="is of a kind that is not known"):
        Database("mysql://host/log")


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_a_server_that_went_is_used_again_when_it_is_back(
    postgresql_server, postgresql, predicted, end
):
    upgrade(postgresql)
    before, after = predicted(), predicted()
    with Database(postgresql) as database:
        assert database.insert([before]) == []
        getattr(postgresql_server, end)()
        for _ in range(2):
            with pytest.raises(DatabaseAwayError):
                database.insert([after])
            with pytest.raises(DatabaseAwayError):
                database.ping()
        postgresql_server.start()
        assert database.insert([after]) == []
        assert [stored.record for stored in database.predictions()] == [before, after]


def test_a_server_that_restarted_between_two_uses_is_not_noticed(
    postgresql_server, postgresql, predicted
):
    upgrade(postgresql)
    record = predicted()
    with Database(postgresql) as database:
        assert database.insert([record]) == []
        postgresql_server.kill()
        postgresql_server.start()
        assert database.prediction(record.id).record == record


def test_a_server_that_is_frozen_counts_as_away(
    postgresql_server, postgresql, predicted, monkeypatch
):
    upgrade(postgresql)
    monkeypatch.setattr(database_module, "READ_SECONDS", 0.2)
    record = predicted()
    with Database(postgresql + "?connect_timeout=2") as database:
        assert database.insert([record]) == []
        with postgresql_server.frozen(), pytest.raises(DatabaseAwayError):
            database.prediction(record.id)
        monkeypatch.undo()
        assert database.prediction(record.id).record == record


def test_a_value_that_cannot_be_looked_for_does_not_mean_that_it_is_away(database):
    with pytest.raises(RecordsError, match="refuses a value") as caught:
        next(database.predictions(model="\ud800"))
    assert not isinstance(caught.value, DatabaseAwayError)


def test_a_schema_that_went_is_no_fault_of_the_records(database, predicted):
    assert database.insert([predicted()]) == []
    database.run(lambda c: c.execute(text("DROP TABLE prediction")), writes=True)
    with pytest.raises(DatabaseAwayError, match="prediction"):
        database.insert([predicted()])
    database.run(lambda c: c.execute(text("DROP TABLE alembic_version")), writes=True)
    with pytest.raises((DatabaseAwayError, MigrationError, RecordsError)):
        database.insert([predicted()])


def test_predictions_are_read_page_by_page_in_the_order_of_their_times(database, predicted):
    records = [
        predicted(
            model=("a", "b")[n % 2],
            version=1 + n % 3,
            time=START + timedelta(seconds=n // 4),  # four of one time
        )
        for n in range(40)
    ]
    assert database.insert(records[::-1]) == []

    def ids(**conditions):
        return [stored.record.id for stored in database.predictions(page_size=3, **conditions)]

    assert ids() == [record.id for record in records]
    assert ids(model="a") == [r.id for r in records if r.model == "a"]
    assert ids(model="b", version=2) == [r.id for r in records if (r.model, r.version) == ("b", 2)]
    since, until = START + timedelta(seconds=2), START + timedelta(seconds=7)
    assert ids(since=since, until=until) == [r.id for r in records if since <= r.time < until]
    assert ids(model="c") == []


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4])
def test_the_last_page_may_be_full_or_not(database, predicted, count):
    database.insert([predicted() for _ in range(count)])
    assert len(list(database.predictions(page_size=2))) == count


def test_reading_slowly_keeps_no_transaction_open(database, predicted):
    records = [predicted() for _ in range(4)]
    assert database.insert(records) == []
    reading = database.predictions(page_size=2)
    next(reading)
    if database.url.startswith("postgresql"):
        idle = database.run(
            lambda c: c.execute(
                text(
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                    " AND state LIKE 'idle in transaction%'"
                )
            ).scalar_one()
        )
        assert idle == 0
    else:
        busy, left, moved = database.run(
            lambda c: (
                c.connection.driver_connection.execute("COMMIT").fetchone()
                or c.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
            )
        )
        assert (busy, left, moved) == (0, 0, 0)
    late = predicted()
    assert database.insert([late]) == []
    assert [stored.record for stored in reading] == [*records[1:], late]


def test_reading_takes_the_memory_of_a_page(database, predicted):
    embedding = np.zeros(512, "<f2").tobytes()
    for _ in range(10):
        database.insert([predicted(embedding=embedding) for _ in range(1000)])
    sum(1 for _ in database.predictions(page_size=50, model="nothing"))
    tracemalloc.start()
    assert sum(1 for _ in database.predictions(page_size=50)) == 10_000
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2_000_000 < 10_000 * len(embedding)


def test_records_are_inserted_in_one_order_whatever_order_they_come_in(tmp_path, predicted, said):
    # Of two that insert the same in two orders, PostgreSQL would end one.
    records = [predicted() for _ in range(9)]
    with Database(f"sqlite:///{tmp_path}/log.db") as database:
        database.insert([*records[::-1], *(said(record) for record in records)])
        for table in ("prediction", "feedback"):
            ids = database.run(
                lambda c, t=table: c.scalars(text(f"SELECT id FROM {t} ORDER BY rowid")).all()  # noqa: S608 (a table of ours)
            )
            assert len(ids) == 9
            assert ids == sorted(ids)


def test_many_threads_insert_the_same_records_at_once(database, predicted):
    records = [predicted() for _ in range(300)]

    def insert(step):
        return database.insert(records[::step])

    with ThreadPoolExecutor(4) as threads:
        refused = list(threads.map(insert, [1, -1, 1, -1]))
    assert refused == [[]] * 4
    assert sorted(s.record.id for s in database.predictions()) == [r.id for r in records]


INSERT = """
import sys
from mlopsproj_records import Database, FeedbackRecord, uuid7
from datetime import datetime, UTC
with Database(sys.argv[1]) as database:
    while True:
        ids = [uuid7() for _ in range(100)]
        records = [FeedbackRecord(id, "p", "l", "a", datetime.now(UTC)) for id in ids]
        assert database.insert(records) == []
        print(*ids, flush=True)
"""


def test_what_was_inserted_outlives_the_process(database, empty_url):
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", INSERT, empty_url], stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    told = []
    for process in processes:
        told += [line.split() for line in (process.stdout.readline() for _ in range(3))]
    for process in processes:
        process.kill()
        told += [line.split() for line in process.stdout if line.endswith("\n")]
        process.wait()
        process.stdout.close()
    rows = set(database.run(lambda c: c.execute(text("SELECT id FROM feedback")).scalars().all()))
    assert len(told) >= 6
    assert {id_ for ids in told for id_ in ids} <= rows
    # A transaction is in it wholly or not at all.
    assert len(rows) % 100 == 0


def test_a_prediction_compares_by_its_values(database, predicted, said):
    prediction = predicted()
    database.insert([prediction])
    stored = database.prediction(prediction.id)
    assert stored == replace(stored)
