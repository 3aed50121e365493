import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlopsproj_data.split_ledger import append_to_ledger, ledger_file, ledger_lock, read_ledger

keys = st.tuples(st.sampled_from(["test", "validation 0.1"]), st.text(max_size=5))


@given(st.lists(st.dictionaries(keys, st.booleans(), min_size=1, max_size=5), max_size=4))
def test_the_first_line_for_a_key_counts(tmp_path_factory, appended):
    path = ledger_file(tmp_path_factory.mktemp("prepared"), "shoes")
    expected = {}
    for choices in appended:
        append_to_ledger(path, choices)
        expected = {**choices, **expected}
    assert read_ledger(path) == expected


def test_there_may_be_none(tmp_path):
    assert read_ledger(ledger_file(tmp_path, "shoes")) == {}


@pytest.mark.parametrize("cut", [1, 5, 30])
def test_a_torn_line_is_ignored_and_spoils_no_other(tmp_path, cut):
    path = ledger_file(tmp_path, "shoes")
    append_to_ledger(path, {("test", "anna"): True, ("test", "berta"): True})
    path.write_bytes(path.read_bytes()[:-cut])
    whole = cut == 1
    append_to_ledger(path, {("test", "berta"): False, ("test", "carla"): True})
    assert read_ledger(path) == {
        ("test", "anna"): True,
        ("test", "berta"): whole,
        ("test", "carla"): True,
    }


@pytest.mark.parametrize("line", ["[]", "3", "null", "{}", '{"key": []}', "\xff", ""])
def test_a_line_that_says_nothing_is_ignored(tmp_path, line):
    path = ledger_file(tmp_path, "shoes")
    path.write_bytes(line.encode("latin-1") + b"\n")
    append_to_ledger(path, {("test", "anna"): True})
    assert read_ledger(path) == {("test", "anna"): True}


def test_nothing_is_ever_changed(tmp_path):
    path = ledger_file(tmp_path, "shoes")
    append_to_ledger(path, {("test", "anna"): True})
    before = path.read_bytes()
    append_to_ledger(path, {("test", "anna"): False})
    assert path.read_bytes().startswith(before)
    assert json.loads(before) == {"key": "anna", "choice": "test", "taken": True}


def test_processes_take_turns(tmp_path):
    path = ledger_file(tmp_path, "shoes")

    def record(number):
        with ledger_lock(path):
            if not read_ledger(path):
                append_to_ledger(path, {("test", str(number)): True})

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(record, range(40)))
    assert len(path.read_bytes().splitlines()) == 1
    assert [each.name for each in tmp_path.iterdir()] == [path.name]
