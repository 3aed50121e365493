import math
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlopsproj_core.errors import RecordsError
from mlopsproj_records import PredictionRecord
from mlopsproj_records.rows import row_of, stored

NOTHING = (None,) * 5
SCORE = 7


def back(row):
    return stored((*row, *NOTHING)).record


def same(left, right):
    """Equal, where a number that is none equals itself."""
    return repr(left) == repr(right)


numbers = st.floats(width=64)


@given(
    top_k=st.lists(st.tuples(st.text(), numbers), max_size=5).map(tuple),
    latency=st.dictionaries(st.text(), numbers, max_size=4),
    statistics=st.dictionaries(
        st.text(),
        numbers
        | st.integers(-(2**63), 2**64 - 1)
        | st.text().filter(lambda text: text not in {"NaN", "Infinity", "-Infinity"}),
        max_size=8,
    ),
    score=numbers,
)
def test_structures_come_back_as_they_went(top_k, latency, statistics, score):
    record = PredictionRecord(
        *("id", datetime.now(UTC), "m", 1, top_k, b"", b"", score, statistics, latency, "r", "s")
    )
    assert same(back(row_of(record, times_as_text=False)), record)


def test_a_score_that_is_no_number_is_null(predicted):
    row = row_of(predicted(ood_score=math.nan), times_as_text=True)
    assert row[SCORE] is None
    assert math.isnan(back(row).ood_score)
    assert row_of(predicted(ood_score=-math.inf), times_as_text=True)[SCORE] == -math.inf


def test_numbers_that_json_does_not_know_are_texts(predicted):
    record = predicted(top_k=(("null", math.nan), ("b", math.inf)), latency_ms={"x": -math.inf})
    row = row_of(record, times_as_text=False)
    assert row[4] == '[["null","NaN"],["b","Infinity"]]'
    assert row[9] == '{"x":"-Infinity"}'
    assert same(back(row), record)


def test_a_time_as_text_is_utc_and_sorts(predicted):
    zone = timezone(timedelta(hours=5, minutes=30))
    times = [datetime(2026, 1, 1, 2, 0, 0, us, tzinfo=zone) for us in (0, 1, 10)]
    texts = [row_of(predicted(time=time), times_as_text=True)[1] for time in times]
    assert texts == sorted(texts)
    assert texts[0] == "2025-12-31 20:30:00.000000"


def test_a_score_of_another_type_is_made_a_number_or_refused(predicted):
    np = pytest.importorskip("numpy")
    assert type(row_of(predicted(ood_score=np.float32(0.5)), times_as_text=True)[SCORE]) is float
    with pytest.raises(TypeError):
        row_of(predicted(ood_score=None), times_as_text=True)


@pytest.mark.parametrize("text", ["", "{", '[["a",null]]', '[["a","many"]]', '{"a":1}'])
def test_a_row_that_another_program_changed_is_told(predicted, text):
    row = list(row_of(predicted(id="p7"), times_as_text=False))
    row[4] = text
    with pytest.raises(RecordsError, match="The prediction p7 in the database cannot be read"):
        back(row)
