import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import RFC_4122, UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlopsproj_records import identifiers
from mlopsproj_records.identifiers import time_of, uuid7


def test_an_id_is_a_uuid_of_version_7_with_its_time():
    before = datetime.now(UTC)
    text = uuid7()
    after = datetime.now(UTC)
    id_ = UUID(text)
    assert (str(id_), id_.version, id_.variant) == (text, 7, RFC_4122)
    assert before - timedelta(milliseconds=1) < time_of(text) <= after


def test_ids_of_many_threads_sort_in_the_order_in_which_they_were_made():
    ids, lock = [], threading.Lock()

    def make(_):
        mine = []
        for _ in range(500):
            mine.append(uuid7())
            with lock:
                ids.append(uuid7())
        return mine

    with ThreadPoolExecutor(8) as threads:
        by_thread = list(threads.map(make, range(8)))
    assert ids == sorted(ids)
    assert all(mine == sorted(mine) for mine in by_thread)
    everything = {*ids, *(text for mine in by_thread for text in mine)}
    assert len(everything) == 2 * 8 * 500


def test_ids_rise_when_the_clock_goes_back(monkeypatch):
    first = uuid7()
    monkeypatch.setattr(identifiers.time, "time_ns", lambda: 10**18)
    assert time_of(uuid7()) >= time_of(first)
    ids = [uuid7() for _ in range(100)]
    assert [first, *ids] == sorted([first, *ids])


def test_ids_rise_when_the_counter_is_spent(monkeypatch):
    now = identifiers.time.time_ns() + 10**12
    monkeypatch.setattr(identifiers.time, "time_ns", lambda: now)
    monkeypatch.setattr(identifiers, "_last_milliseconds", now // 10**6)
    monkeypatch.setattr(identifiers, "_counter", (1 << 42) - 2)
    last, first = uuid7(), uuid7()
    assert last < first
    assert time_of(first) - time_of(last) == timedelta(milliseconds=1)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_forked_processes_do_not_make_the_same_ids():
    code = (
        "import os\nfrom mlopsproj_records.identifiers import uuid7\nuuid7()\n"
        "children = [os.fork() for _ in range(2)]\n"
        "os.write(1, ''.join(f'{uuid7()}\\n' for _ in range(50)).encode())\n"
    )
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    ids = made.stdout.split()
    assert len(ids) == 4 * 50
    assert len({id_[19:] for id_ in ids}) == 4 * 50


ID = "01a210d2-76dc-7552-9f98-fcf5992170b7"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "f81d4fae-7dec-41d0-a765-00a0c91e6bf6",  # version 4
        ID.upper(),
        ID + "\n",
        "{" + ID + "}",
        ID.replace("-", ""),
        "ffffffff-ffff-7fff-bfff-ffffffffffff",  # the year 10889
        "01a210d2-76dc-7552-cf98-fcf5992170b7",  # another variant
        "\u06601a210d2-76dc-7552-9f98-fcf5992170b7",  # a zero, but no ASCII
    ],
)
def test_text_that_is_no_such_id_has_no_time(text):
    assert time_of(ID) is not None
    assert time_of(text) is None


@given(st.text() | st.from_regex(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-9[0-9a-f]{3}-[0-9a-f]{12}"))
def test_any_text_has_a_time_in_utc_or_none(text):
    time = time_of(text)
    assert time is None or time.tzinfo is UTC
