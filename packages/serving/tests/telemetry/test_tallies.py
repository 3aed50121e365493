import os
import subprocess
import sys
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlopsproj_serving.telemetry.tallies import CAPACITY, Tallies


def numbers(workers):
    """What each worker counted: `{worker: {(name, labels): values}}`."""
    return {
        worker.worker: {
            (series.name, series.labels): list(
                worker.values[series.first : series.first + series.size]
            )
            for series in worker.series
        }
        for worker in workers
    }


def add(tallies, name, labels, values):
    series = tallies.find(name, labels, len(values))
    for place, value in enumerate(values):
        tallies.values[series.first + place] += value


def test_one_process_reads_what_it_counted():
    tallies = Tallies()
    add(tallies, "requests", ("GET",), [1])
    add(tallies, "seconds", (), [1, 2, 3.5])
    add(tallies, "requests", ("GET",), [1])
    (own,) = tallies.read_all()
    assert own.alive
    assert numbers([own]) == {0: {("requests", ("GET",)): [2], ("seconds", ()): [1, 2, 3.5]}}


SHARED = pytest.mark.skipif(sys.platform == "win32", reason="a service is one process there")

COUNT_AND_STAY = """
import sys
from pathlib import Path
from mlopsproj_serving.telemetry.tallies import Tallies
tallies = Tallies(Path(sys.argv[1]))
tallies.values[tallies.find("requests", ("GET",), 1).first] += 5
print(tallies.worker, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def other(tmp_path):
    """A process that has counted 5 requests in the folder, and stays."""
    process = subprocess.Popen(
        [sys.executable, "-c", COUNT_AND_STAY, tmp_path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "0\n"
    yield process
    process.communicate(timeout=30)


@SHARED
def test_processes_read_each_other_while_they_count(tmp_path, other):
    tallies = Tallies(tmp_path)
    assert tallies.worker == 1
    add(tallies, "requests", ("GET",), [1])
    workers = tallies.read_all()
    assert [worker.alive for worker in workers] == [True, True]
    assert numbers(workers) == {0: {("requests", ("GET",)): [5]}, 1: {("requests", ("GET",)): [1]}}
    tallies.close()


@SHARED
def test_what_a_killed_process_counted_stays_and_its_place_is_taken(tmp_path, other):
    first = Tallies(tmp_path)
    other.kill()
    other.wait(30)
    dead = next(worker for worker in first.read_all() if worker.worker == 0)
    assert not dead.alive
    assert numbers([dead]) == {0: {("requests", ("GET",)): [5]}}

    heir = Tallies(tmp_path)
    assert heir.worker == 0
    add(heir, "requests", ("GET",), [1])
    add(heir, "seconds", (), [2])
    assert numbers(first.read_all())[0] == {("requests", ("GET",)): [6], ("seconds", ()): [2]}
    heir.close()
    first.close()


@SHARED
def test_a_name_that_was_half_written_was_never_counted_in(tmp_path):
    first = Tallies(tmp_path)
    add(first, "requests", ("GET",), [5])
    first.close()
    with (tmp_path / "0.names").open("ab") as names:
        names.write(b'["seco')
    heir = Tallies(tmp_path)
    add(heir, "seconds", (), [1])
    assert numbers(heir.read_all()) == {0: {("requests", ("GET",)): [5], ("seconds", ()): [1]}}
    heir.close()


def test_what_finds_no_space_is_counted_nowhere_and_breaks_nothing(monkeypatch):
    monkeypatch.setattr("mlopsproj_serving.telemetry.tallies.CAPACITY", 100)
    tallies = Tallies()
    for number in range(50):
        add(tallies, "requests", (str(number),), [1])
    found = numbers(tallies.read_all())[0]
    assert found == {("requests", (str(number),)): [1] for number in range(36)}


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="space cannot be reserved here")
def test_a_file_has_its_space_from_the_beginning(tmp_path):
    tallies = Tallies(tmp_path)
    status = (tmp_path / "0.values").stat()
    assert status.st_size == CAPACITY * 8
    assert status.st_blocks * 512 >= CAPACITY * 8
    tallies.close()


@SHARED
def test_a_name_that_cannot_be_written_down_is_counted_nowhere(tmp_path):
    import resource

    tallies = Tallies(tmp_path)
    add(tallies, "requests", ("GET",), [5])
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    half_a_line = (tmp_path / "0.names").stat().st_size + 3
    resource.setrlimit(resource.RLIMIT_FSIZE, (half_a_line, before[1]))
    try:
        add(tallies, "seconds", (), [1])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    add(tallies, "seconds", (), [2])
    expected = {0: {("requests", ("GET",)): [5], ("seconds", ()): [2]}}
    assert numbers(tallies.read_all()) == expected
    tallies.close()


@SHARED
@given(
    st.lists(
        st.tuples(
            st.integers(0, 3),
            st.text(max_size=8).map(lambda text: (text,)),
            st.lists(st.integers(-5, 5).map(float), min_size=1, max_size=1),
        ),
        max_size=40,
    )
)
@settings(max_examples=30)
def test_any_labels_over_any_order_of_processes_are_read_as_they_were_counted(
    tmp_path_factory, steps
):
    folder = tmp_path_factory.mktemp("tallies")
    expected = {}
    for _, labels, values in steps:
        tallies = Tallies(folder)  # each in the place of the one before
        add(tallies, "name", labels, values)
        expected[labels] = expected.get(labels, 0) + values[0]
        tallies.close()
    reader = Tallies(folder)
    found = numbers(reader.read_all())[0]
    reader.close()
    assert found == {("name", labels): [value] for labels, value in expected.items()}


@SHARED
def test_nothing_waits_for_a_process_that_counts(tmp_path):
    """Reading while others begin and end never fails."""
    reader = Tallies(tmp_path)
    end = time.monotonic() + 0.5
    while time.monotonic() < end:
        tallies = Tallies(tmp_path)
        add(tallies, "requests", (), [1])
        assert numbers(reader.read_all())[tallies.worker]["requests", ()][0] >= 1
        tallies.close()
    reader.close()
