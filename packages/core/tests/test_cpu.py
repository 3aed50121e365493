import os
import sys

import pytest
from mlopsproj_core.cpu import available_cpus


@pytest.fixture(autouse=True)
def no_limit_of_the_user(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)


@pytest.fixture
def four_cores(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 2, 4, 6}, raising=False)


def control_group(folder, files):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def version_1(quota, period):
    return {"cpu/cpu.cfs_quota_us": f"{quota}\n", "cpu/cpu.cfs_period_us": f"{period}\n"}


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({"cpu.max": "max 100000\n"}, 4),
        ({"cpu.max": "200000 100000\n"}, 2),
        ({"cpu.max": "150000 100000\n"}, 2),
        ({"cpu.max": "10000 100000\n"}, 1),
        ({"cpu.max": "800000 100000\n"}, 4),
        (version_1(-1, 100000), 4),
        (version_1(300000, 100000), 3),
        (version_1(50000, 100000), 1),
        ({"cpu.max": "100000 100000\n", **version_1(300000, 100000)}, 1),
        ({}, 4),
        ({"cpu.max": ""}, 4),
        ({"cpu.max": "many 100000\n"}, 4),
        ({"cpu.max": "100000 0\n"}, 4),
        ({"cpu/cpu.cfs_quota_us": "300000\n"}, 4),
    ],
)
def test_takes_the_least_of_affinity_and_quota(four_cores, tmp_path, files, cores):
    assert available_cpus(control_group(tmp_path, files)) == cores


@pytest.mark.parametrize(("counted", "cores"), [(6, 6), (None, 1)])
def test_counts_where_there_is_no_affinity(monkeypatch, tmp_path, counted, cores):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: counted)
    assert available_cpus(tmp_path) == cores


@pytest.mark.parametrize(
    ("given", "cores"),
    [
        ("1", 1),
        ("3", 3),
        ("4", 4),
        ("16", 4),
        (" 2 ", 2),
        ("2,1", 2),  # of nested regions: the outermost counts
        ("", 4),
        ("0", 4),
        ("-1", 4),
        ("many", 4),
    ],
)
def test_the_user_may_ask_for_fewer(four_cores, monkeypatch, tmp_path, given, cores):
    monkeypatch.setenv("OMP_NUM_THREADS", given)
    assert available_cpus(tmp_path) == cores


@pytest.mark.skipif(sys.platform != "linux", reason="affinity is set on Linux only")
def test_obeys_the_affinity_of_this_process(tmp_path):
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert available_cpus(tmp_path) == 1
    finally:
        os.sched_setaffinity(0, before)


def test_this_machine_has_one_at_least():
    assert 1 <= available_cpus() <= os.cpu_count()
