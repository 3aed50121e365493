"""The tutorials are followed from the first command to the last, in one folder."""

import socket

import pytest
from mlopsproj_core.cpu import instruction_sets
from mlopsproj_doctor.machine import FAST_INT8
from pages import ROOT, Reader, compare

TUTORIALS = ROOT / "docs" / "tutorials"


@pytest.fixture
def reader(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        "MLOPSPROJ_API_PORT": str(port),
        "MLOPSPROJ_CONFIG_DIR": str(ROOT / "configs"),
    }
    reader = Reader(tmp_path, {8000: port}, environment)
    yield reader
    for service in reader.services:
        service.kill()


@pytest.mark.slow
@pytest.mark.timeout(900)  # two minutes on two cores, if nothing else runs there
def test_the_tutorials_do_what_they_show(reader):
    reader.follow(TUTORIALS / "photos.md")
    if FAST_INT8.isdisjoint(instruction_sets()):
        pytest.skip("int8 is not faster on this CPU: nothing is published that could be promoted")
    reader.follow(TUTORIALS / "serve.md")
    assert reader.leave() == [0]


def test_what_is_shown_may_differ_in_numbers_only():
    came = "a table\n│ Bag │ 0.998 │\nphotos:1 in 12.5 s on 2026-11-30 21:52"
    compare("│ Bag   │   0.97 │\n…\nphotos:2 in 3.0 s on 2026-12-01 01:02", came)
    for other in ("│ Coat │ 0.998 │", "photos:1 in 12.5 s on 2026-11-30 21:52\na table"):
        with pytest.raises(AssertionError, match="never came"):
            compare(other, came)
