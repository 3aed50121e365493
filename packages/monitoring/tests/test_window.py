from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from mlopsproj_monitoring import DriftDetector, Window

START = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def detector(make_reference):
    return DriftDetector(make_reference(1, 200))


def times(count, start=START):
    return [start + timedelta(seconds=row) for row in range(count)]


def test_parts_add_up_to_the_whole(detector, make_sample):
    sample = make_sample(2, 100)
    whole, merged = (Window(detector.accumulator()) for _ in range(2))
    whole.add(sample, times(100))
    for rows in (np.arange(60, 100), np.arange(60)):
        part = Window(detector.accumulator())
        part.add(sample.take(rows), [times(100)[row] for row in rows])
        part.skipped["probabilities that are no numbers"] += 1
        merged.merge(part)
    assert (merged.images, merged.since, merged.until) == (100, START, times(100)[-1])
    assert list(merged.rows.ids) == list(whole.rows.ids)
    assert np.allclose(merged.sums.vectors, whole.sums.vectors, atol=1e-4)
    assert merged.notes == ("2 predictions are left out: probabilities that are no numbers",)


def test_an_empty_one_has_neither_time_nor_rows(detector):
    window = Window(detector.accumulator())
    window.add(detector.reference.sample.take(np.arange(0)), [])
    assert (window.images, window.since, window.until, window.rows) == (0, None, None, None)
    assert window.notes == ()


def test_a_time_that_has_not_come_is_noted(detector, make_sample):
    window = Window(detector.accumulator())
    window.add(make_sample(2, 10), times(10, datetime.now(UTC) + timedelta(hours=1)))
    assert window.future == 10
    assert window.notes[0].startswith("10 predictions have a time in the future")


def test_a_clock_that_went_backwards_is_noted(detector, make_predictions, make_sample):
    records = make_predictions(make_sample(2, 10))
    sample = make_sample(2, 10)
    sample.ids[:] = [record.id for record in records]
    told = [record.time for record in records]
    told[7:] = [time - timedelta(hours=1) for time in told[7:]]
    window = Window(detector.accumulator())
    window.add(sample, told)
    assert window.backwards == 3
    assert window.notes[0].startswith("3 predictions have a time before that of their id")
