import json

import pytest
from mlopsproj_train.optimizing.times import read_times, write_times
from mlopsproj_train.optimizing.timing import Case

CASES = [Case(8, 2, {"fp32": ([1.0, 1.5], [1.0, 1.5]), "v": ([0.5, 0.5], [1.0, 1.5])})]


def test_what_was_measured_is_read_as_it_was_written(tmp_path):
    path = tmp_path / "times.json"
    assert read_times(path, "key") is None
    write_times(path, "key", CASES, {"torch-eager": "not here"})
    assert read_times(path, "key") == (CASES, {"torch-eager": "not here"})
    assert read_times(path, "another") is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"key": "key"}', '{"key": "key", "cases": 3}'])
def test_what_cannot_be_read_is_measured_again(tmp_path, text):
    path = tmp_path / "times.json"
    path.write_text(text)
    assert read_times(path, "key") is None


def test_what_is_no_number_is_never_kept(tmp_path):
    path = tmp_path / "times.json"
    with pytest.raises(ValueError, match="JSON"):
        write_times(path, "key", [Case(1, 1, {"v": ([float("inf")], [1.0])})], {})
    assert not path.exists()
    write_times(path, "key", CASES, {})
    assert json.loads(path.read_text())["key"] == "key"
