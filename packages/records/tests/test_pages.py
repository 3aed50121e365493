import math
import tracemalloc
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from mlopsproj_records import Database, FeedbackRecord, pages
from sqlalchemy import text

START = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def logged(database, predicted, said):
    """Forty predictions, four of one time, of two models and three versions; a tenth shadows."""
    records = [
        predicted(
            model=("a", "b")[n % 2],
            version=1 + n % 3,
            time=START + timedelta(seconds=n // 4),
            shadow_of="other" if n % 10 == 3 else None,
            ood_score=math.nan if n % 7 == 0 else n / 3,
            probabilities=np.full(1 + n % 4, n, "<f4").tobytes(),
            embedding=np.full(n % 3, n, "<f2").tobytes(),
            image_url=f"file:///{n}.png" if n % 2 else None,
            image_sha256=f"{n:064}",
        )
        for n in range(40)
    ]
    feedback = [
        said(record, label, time=START + timedelta(days=day))
        for n, record in enumerate(records)
        if n % 5 == 0
        for label, day in (("late", 2), ("early", 1))
    ]
    assert database.insert([*records[::-1], *feedback]) == []
    return [record for record in records if record.shadow_of is None]


def read(database, **conditions):
    found = list(database.pages(**conditions))
    assert all(len(page) for page in found)
    return found


def ids(database, **conditions):
    return [id_ for page in read(database, page_size=3, **conditions) for id_ in page.ids]


def test_a_page_holds_what_the_records_hold_in_the_order_of_their_times(database, logged):
    (page,) = read(database)
    stored = [one for one in database.predictions() if one.record.shadow_of is None]
    records = [one.record for one in stored]
    assert page.ids == [record.id for record in records] == [record.id for record in logged]
    assert page.times == [record.time for record in records]
    assert {time.tzinfo for time in page.times} == {UTC}
    assert page.versions.tolist() == [record.version for record in records]
    assert page.versions.dtype == np.int64
    assert page.probabilities == [record.probabilities for record in records]
    assert page.embeddings == [record.embedding for record in records]
    np.testing.assert_array_equal(page.ood_scores, [record.ood_score for record in records])
    for name in ("width", "height", "brightness"):
        expected = [record.statistics[name] for record in records]
        assert page.statistics[name].tolist() == expected
    for name in ("contrast", "sharpness", "saturation"):
        assert np.isnan(page.statistics[name]).all()
    assert page.modes == ["RGB"] * len(records)
    assert page.labels == [one.feedback and one.feedback.label for one in stored]
    assert set(page.labels) == {"late", None}
    assert page.image_urls == [record.image_url for record in records]
    assert page.image_sha256 == [record.image_sha256 for record in records]


def test_only_what_is_asked_for(database, logged):
    assert ids(database, model="a") == [r.id for r in logged if r.model == "a"]
    assert ids(database, version=3) == [r.id for r in logged if r.version == 3]
    both = [r for r in logged if (r.model, r.version) == ("b", 2)]
    assert ids(database, model="b", version=2) == [r.id for r in both]
    since, until = START + timedelta(seconds=2), START + timedelta(seconds=7)
    within = [r.id for r in logged if since <= r.time < until]
    assert ids(database, since=since, until=until) == within
    assert ids(database, model="c") == ids(database, since=until, until=since) == []


@pytest.mark.parametrize("newest", [0, 1, 2, 3, 7, 35, 36, 37, 1000])
def test_the_newest(database, logged, newest):
    assert len(logged) == 36
    assert ids(database, newest=newest) == [r.id for r in logged][max(0, 36 - newest) :]
    of_model = [r.id for r in logged if r.model == "a"]
    assert ids(database, newest=newest, model="a") == of_model[max(0, len(of_model) - newest) :]


def test_what_arrives_meanwhile_is_not_among_the_newest(database, logged, predicted):
    found = database.pages(newest=6, page_size=2)
    first = next(found)
    assert database.insert([predicted(time=START + timedelta(hours=1))]) == []
    assert [*first.ids, *(id_ for page in found for id_ in page.ids)] == [r.id for r in logged[-6:]]


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4])
def test_the_last_page_may_be_full_or_not(database, predicted, count):
    records = [predicted() for _ in range(count)]
    database.insert(records)
    assert [id_ for page in database.pages(page_size=2) for id_ in page.ids] == [
        record.id for record in records
    ]


def test_what_is_no_number_is_nan_and_takes_no_neighbour_along(database, predicted):
    plain = predicted()
    odd = predicted(
        statistics={
            "width": 640,
            "brightness": math.inf,
            "contrast": math.nan,
            "sharpness": "blurred",
            "mode": "L",
            "new": "x",
        }
    )
    spoilt = predicted()
    assert database.insert([plain, odd, spoilt]) == []
    database.run(
        lambda c: c.execute(
            text("UPDATE prediction SET statistics = :s WHERE id = :id"),
            {"s": '{"width": [1], "mode": 3}', "id": spoilt.id},
        ),
        writes=True,
    )
    (page,) = database.pages()
    np.testing.assert_array_equal(page.statistics["width"], [640, 640, np.nan])
    np.testing.assert_array_equal(page.statistics["brightness"], [0.5, np.inf, np.nan])
    assert np.isnan(page.statistics["contrast"]).all()
    assert np.isnan(page.statistics["sharpness"]).all()
    assert page.modes == ["RGB", "L", ""]


@pytest.mark.parametrize("newest", [None, 10])
@pytest.mark.parametrize("version", [None, 1])
@pytest.mark.parametrize("model", [None, "a"])
def test_sqlite_sorts_nothing_anew_for_each_page(tmp_path, predicted, model, version, newest):
    with Database(f"sqlite:///{tmp_path}/log.db") as database:
        database.insert([predicted(model="a", version=1) for _ in range(20)])
        plans = []

        def explained(connection):
            raw = connection.connection.driver_connection
            told = []
            raw.set_trace_callback(told.append)
            conditions = pages.Conditions(model, version, START)
            place = (START, "")
            bounds = (place, (START + timedelta(days=9999), "")) if newest else None
            pages._rows(conditions, bounds, place, 3, connection)
            pages._bounds(conditions, 3, connection)
            raw.set_trace_callback(None)
            for statement in told:
                plans.extend(raw.execute(f"EXPLAIN QUERY PLAN {statement}").fetchall())

        database.run(explained)
    details = [plan[3] for plan in plans]
    assert any("USING INDEX prediction_by_" in detail for detail in details)
    assert not [detail for detail in details if "TEMP B-TREE" in detail]
    assert not [detail for detail in details if detail == "SCAN prediction"]


def test_reading_takes_the_memory_of_a_page_and_no_transaction(database, predicted):
    embedding = np.zeros(512, "<f2").tobytes()
    for _ in range(10):
        database.insert([predicted(embedding=embedding) for _ in range(1000)])
    sum(len(page) for page in database.pages(page_size=50, model="nothing"))
    tracemalloc.start()
    assert sum(len(page) for page in database.pages(page_size=50)) == 10_000
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2_000_000 < 10_000 * len(embedding)


def test_reading_slowly_keeps_nobody_from_writing(database, predicted):
    records = [predicted() for _ in range(4)]
    database.insert(records)
    reading = database.pages(page_size=2)
    first = next(reading)
    late = predicted()
    assert database.insert([late, FeedbackRecord("f", records[3].id, "cat", "ann", START)]) == []
    rest = list(reading)
    assert [*first.ids, *(id_ for page in rest for id_ in page.ids)] == [
        *(record.id for record in records),
        late.id,
    ]
    assert rest[0].labels == [None, "cat"]


def test_an_empty_log_has_no_pages(database):
    assert list(database.pages()) == list(database.pages(newest=3)) == []
