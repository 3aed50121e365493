from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mlopsproj_core.errors import DatabaseAwayError, DataError
from mlopsproj_monitoring import (
    DriftConfig,
    DriftDetector,
    WindowConfig,
    read_window,
    read_windows,
)
from mlopsproj_records import Database

START = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def detector(make_reference):
    return DriftDetector(make_reference(1, 200), DriftConfig(draws=1000))


def starts(windows):
    return [(window.since - START).total_seconds() for window in windows]


def test_the_last_images_are_read(database, detector, make_predictions, make_sample):
    database.insert(make_predictions(make_sample(2, 5000)))
    window = read_window(database, detector, 1, WindowConfig(images=3000))
    assert window.images == 3000
    assert window.since == START + timedelta(seconds=2000)
    assert window.until == START + timedelta(seconds=4999)
    assert len(window.rows) == 3000
    direct = detector.accumulator()
    direct.add(make_sample(2, 5000).take(np.arange(2000, 5000)))
    assert np.allclose(window.sums.vectors.sum(axis=0), direct.vectors.sum(axis=0), atol=1e-2)
    check = detector.check(window)
    assert (check.verdict, check.since, check.until) == ("no drift", window.since, window.until)


def test_only_the_version_s_own_predictions_count(
    database, detector, make_predictions, make_sample
):
    sample = make_sample(2, 90)
    for version, model, rows in (
        (1, "drawn", range(30)),
        (2, "drawn", range(30, 60)),
        (1, "other", range(60, 90)),
    ):
        part = sample.take(np.array(rows))
        start = START + timedelta(seconds=rows[0])
        records = make_predictions(part, version=version, model=model, start=start)
        database.insert([replace_id(record, version, model) for record in records])
    assert read_window(database, detector, 1).images == 30
    assert read_window(database, detector, 2).images == 30


def replace_id(record, version, model):
    import msgspec

    return msgspec.structs.replace(record, id=f"{record.id}-{model}-{version}")


def test_the_last_hours_are_read(database, detector, make_predictions, make_sample):
    database.insert(make_predictions(make_sample(2, 300), seconds=60))
    config = WindowConfig(images=None, hours=1)
    window = read_window(database, detector, 1, config, until=START + timedelta(hours=3))
    assert (window.images, window.since) == (60, START + timedelta(hours=2))
    assert read_window(database, detector, 1, config).images == 0  # until now


def test_an_empty_log_is_an_empty_window(database, detector):
    window = read_window(database, detector, 1)
    assert window.images == 0
    assert detector.check(window).verdict == "not enough data"
    assert list(read_windows(database, detector, 1)) == []


def test_windows_of_images_slide_by_a_step(database, detector, make_predictions, make_sample):
    database.insert(make_predictions(make_sample(2, 1050)))
    windows = list(read_windows(database, detector, 1, WindowConfig(images=400, step=200)))
    assert starts(windows) == [0, 200, 400, 600]
    assert [window.images for window in windows] == [400] * 4
    direct = read_window(
        database, detector, 1, WindowConfig(images=400), until=START + timedelta(seconds=800)
    )
    assert np.allclose(windows[2].sums.vectors, direct.sums.vectors, atol=1e-3)
    assert list(windows[2].rows.ids) == list(direct.rows.ids)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.integers(1, 5),
    minutes=st.integers(1, 30),
    gaps=st.lists(st.integers(0, 200), min_size=1, max_size=60),
)
def test_windows_of_hours_hold_what_was_made_in_them(
    tmp_path_factory, detector, make_predictions, make_sample, *, steps, minutes, gaps
):
    times = [START + timedelta(minutes=int(gap)) for gap in np.cumsum(gaps)]
    until = times[-1] + timedelta(days=1)
    step = timedelta(minutes=minutes)
    config = WindowConfig(images=None, hours=steps * minutes / 60, step=minutes / 60)
    folder = tmp_path_factory.mktemp("log")
    with Database(f"sqlite:///{folder / 'log.db'}") as database:
        database.insert(make_predictions(make_sample(2, len(times)), times=times))
        found = [
            (window.since, window.until, window.images)
            for window in read_windows(database, detector, 1, config, since=START, until=until)
        ]
    expected = []
    begin = START
    while begin + steps * step <= until:
        inside = [time for time in times if begin <= time < begin + steps * step]
        if inside:
            expected.append((inside[0], inside[-1], len(inside)))
        begin += step
    assert found == expected


def test_a_log_of_another_model_is_refused_with_counts(
    database, detector, make_predictions, make_sample
):
    database.insert(make_predictions(make_sample(2, 120, classes=7)))
    with pytest.raises(DataError, match=r"None of the 120 predictions of drawn:1 .*7 probab"):
        read_window(database, detector, 1)


def test_some_predictions_of_another_model_are_noted(
    database, detector, make_predictions, make_sample
):
    database.insert(make_predictions(make_sample(2, 120)))
    strangers = make_predictions(make_sample(3, 30, dimensions=9), start=START + timedelta(hours=1))
    database.insert(strangers)
    window = read_window(database, detector, 1)
    assert window.images == 120
    (note,) = detector.check(window).notes
    assert note.startswith("30 predictions are left out: they have an embedding of 9 numbers")


def test_predictions_are_read_in_the_order_of_their_times(
    database, detector, make_predictions, make_sample
):
    """A clock that goes back by an hour: what was made later is earlier, and said to be."""
    times = [START + timedelta(seconds=row) for row in range(100)]
    back = [time - timedelta(hours=1) for time in times[50:]]
    records = make_predictions(make_sample(2, 100), times=times)
    import msgspec

    records[50:] = [
        msgspec.structs.replace(record, time=time)
        for record, time in zip(records[50:], back, strict=True)
    ]
    database.insert(records)
    window = read_window(database, detector, 1, WindowConfig(images=50))
    assert (window.since, window.backwards) == (START, 0)
    window = read_window(database, detector, 1, WindowConfig(images=100))
    assert (window.since, window.backwards) == (back[0], 50)


def test_a_database_that_is_away_is_told(detector):
    with (
        Database("postgresql://app@127.0.0.1:1/nobody") as database,
        pytest.raises(DatabaseAwayError),
    ):
        read_window(database, detector, 1)


def test_drift_in_the_log_is_seen(database, detector, make_predictions, make_sample):
    database.insert(make_predictions(make_sample(2, 600)))
    start = START + timedelta(hours=1)
    drifted = make_sample(3, 600, brightness_shift=0.3)
    database.insert(make_predictions(drifted, start=start))
    windows = read_windows(database, detector, 1, WindowConfig(images=300))
    verdicts = [detector.check(window).verdict for window in windows]
    assert verdicts == ["no drift", "no drift", "drift", "drift"]
    assert replace(detector.config).alpha == 0.01
