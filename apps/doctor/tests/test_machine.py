import time

import pytest
from mlopsproj_core.cpu import CpuLimits
from mlopsproj_doctor.findings import State
from mlopsproj_doctor.machine import (
    _memory_limit_bytes,
    examine,
    examine_clock,
    examine_cores,
    examine_instruction_sets,
    examine_memory,
)


def test_this_machine_is_told():
    names = [finding.name for finding in examine()]
    assert names[:5] == ["system", "cores", "memory", "cpu", "devices"]


@pytest.mark.parametrize(
    ("limits", "text"),
    [
        (CpuLimits(8, 8, None, None), "8 used (the machine has 8)"),
        (CpuLimits(8, 4, None, None), "4 used (the machine has 8, the process may run on 4)"),
        (CpuLimits(8, None, 2, None), "2 used (the machine has 8, the container's quota is 2)"),
        (CpuLimits(8, 8, None, 1), "1 used (the machine has 8, OMP_NUM_THREADS is 1)"),
        (CpuLimits(None, None, None, None), "1 used (the machine has unknown)"),
    ],
)
def test_cores_and_what_limits_them(limits, text):
    finding = examine_cores(limits, "" if limits.wish is None else str(limits.wish))
    assert (finding.state, finding.text) == (State.OK, text)


def test_a_wish_for_threads_that_is_no_number_is_a_warning():
    finding = examine_cores(CpuLimits(2, 2, None, None), "many")
    assert finding.state is State.WARN
    assert "OMP_NUM_THREADS=many" in finding.text
    assert finding.mend


@pytest.mark.parametrize(
    ("total", "limit", "state", "text"),
    [
        (16e9, None, State.OK, "16.0 GB"),
        (16e9, 64e9, State.OK, "16.0 GB"),
        (16e9, 4e9, State.OK, "4.0 GB may be used by this container, of 16.0 GB"),
        (16e9, 5e8, State.WARN, "500.0 MB may be used by this container, of 16.0 GB"),
        (1e9, None, State.WARN, "1.0 GB"),
        (None, None, State.OK, "not told by this system"),
    ],
)
def test_memory(total, limit, state, text):
    finding = examine_memory(total, limit)
    assert (finding.state, finding.text) == (state, text)


@pytest.mark.parametrize(
    ("files", "limit"),
    [
        ({"memory.max": "max\n"}, None),
        ({"memory.max": "536870912\n"}, 536870912),
        ({"memory/memory.limit_in_bytes": "1000\n"}, 1000),
        ({}, None),
        ({"memory.max": ""}, None),
    ],
)
def test_the_memory_of_a_container(tmp_path, files, limit):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert _memory_limit_bytes(tmp_path) == limit


@pytest.mark.parametrize(
    ("sets", "architecture", "state", "words"),
    [
        (("sse4.2", "avx2", "fma", "avx512f", "avx512_vnni"), "x86_64", State.OK, "int8 is fast"),
        (("sse4.2", "avx2", "fma"), "x86_64", State.OK, "often slower"),
        (("sse4.2",), "AMD64", State.WARN, "without AVX2"),
        (("asimd", "asimddp"), "aarch64", State.OK, "int8 is fast"),
        (("asimd",), "aarch64", State.OK, "often slower"),
        ((), "AMD64", State.OK, "not told"),
    ],
)
def test_what_instruction_sets_mean(sets, architecture, state, words):
    finding = examine_instruction_sets("A CPU", sets, architecture)
    assert finding.state is state
    assert words in finding.text
    assert finding.text.startswith("A CPU")
    assert all(name in finding.text for name in sets)


def test_a_clock_that_is_behind_is_a_warning():
    now = time.time()
    assert examine_clock(now, now - 1000).state is State.OK
    assert examine_clock(now, now + 1000).state is State.OK  # e.g. of another time zone's disk
    assert examine_clock(0, now).state is State.WARN
