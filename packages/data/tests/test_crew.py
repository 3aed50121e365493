"""Records on all cores: the order is kept, and processes end with their user, however that ends."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from mlopsproj_core.errors import DataError
from mlopsproj_core.image import ImageSpec
from mlopsproj_data import crew
from mlopsproj_data.crew import examine_all
from mlopsproj_data.records import Record
from mlopsproj_data.worker import examine_batch
from PIL import Image

SPEC = ImageSpec(16, 16, 3)


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    """150 files of different sizes, every tenth of them no image."""
    folder = tmp_path_factory.mktemp("photos")
    found = []
    generator = np.random.default_rng(0)
    for number in range(150):
        path = folder / f"{number}\n.png"  # an odd name
        side = int(generator.integers(8, 60))
        pixels = generator.integers(0, 256, (side, side, 3), dtype=np.uint8)
        if number % 10:
            Image.fromarray(pixels).save(path)
        else:
            path.write_bytes(b"no image")
        found.append(Record(path, number % 3, None, None, f"photo {number}"))
    return found


@pytest.fixture
def two_cores(monkeypatch):
    monkeypatch.setattr(crew, "available_cpus", lambda: 2)


def collect(batches):
    batches = list(batches)
    facts = [row for batch in batches for row in batch.facts]
    return facts, np.concatenate([batch.pixels for batch in batches])


@pytest.mark.parametrize("batch", [1, 7, 32])
def test_processes_find_what_one_finds_in_the_same_order(records, two_cores, monkeypatch, batch):
    monkeypatch.setattr(crew, "_LARGEST_BATCH", batch)
    facts, pixels = collect(examine_all(iter(records), SPEC))
    expected = examine_batch(records, SPEC)
    assert facts == expected.facts
    assert np.array_equal(pixels, expected.pixels)
    assert sum(row["problem"] is not None for row in facts) == 15


def test_images_in_memory_and_few_files_start_no_process(records, two_cores, monkeypatch):
    def refuse(*_):
        raise AssertionError

    monkeypatch.setattr(crew, "_Worker", refuse)
    arrays = [
        Record(np.full((9, 9), i % 256, dtype=np.uint8), 0, None, None, str(i)) for i in range(300)
    ]
    assert [row["source"] for row in collect(examine_all(arrays, SPEC))[0]] == [
        record.origin for record in arrays
    ]
    assert len(collect(examine_all(records[:20], SPEC))[0]) == 20
    assert list(examine_all([], SPEC)) == []


def test_one_core_starts_no_process(records, monkeypatch):
    monkeypatch.setattr(crew, "available_cpus", lambda: 1)
    monkeypatch.setattr(crew, "_Worker", None)
    assert len(collect(examine_all(records, SPEC))[0]) == 150


def test_a_file_after_arrays_is_read_too(records, two_cores):
    arrays = [Record(np.zeros((9, 9), dtype=np.uint8), 0, None, None, "a")] * 3
    assert len(collect(examine_all([*records, *arrays], SPEC))[0]) == 153
    assert len(collect(examine_all([*arrays, *records], SPEC))[0]) == 153


@pytest.fixture
def started(monkeypatch):
    """Processes that are started."""
    processes = []
    real = subprocess.Popen

    def start(*args, **options):
        processes.append(real(*args, **options))
        return processes[-1]

    monkeypatch.setattr(subprocess, "Popen", start)
    return processes


def test_processes_end_when_nobody_wants_more(records, two_cores, started):
    with closing(examine_all(records, SPEC)) as batches:
        next(batches)
        assert [process.poll() for process in started] == [None, None]
    assert all(process.returncode is not None for process in started)


def test_a_process_that_is_killed_is_one_clear_error(records, two_cores, started, monkeypatch):
    monkeypatch.setattr(crew, "_LARGEST_BATCH", 5)
    with closing(examine_all(records, SPEC)) as batches:
        next(batches)
        started[1].kill()
        started[1].wait()
        with pytest.raises(DataError, match=r"photo \d+ to photo \d+ was ended .*memory runs out"):
            list(batches)
    assert all(process.returncode is not None for process in started)


CHILD = textwrap.dedent(
    """
    import sys
    from pathlib import Path
    from mlopsproj_core.image import ImageSpec
    from mlopsproj_data import crew
    from mlopsproj_data.records import Record

    crew.available_cpus = lambda: 2
    records = [Record(path, 0, None, None, "") for path in sorted(Path(sys.argv[1]).iterdir())]
    # No guard as for multiprocessing: this file is not run again by the processes.
    for batch in crew.examine_all(records * 1000, ImageSpec(16, 16, 3)):
        print("begun", flush=True)
    """
)


@pytest.mark.skipif(sys.platform != "linux", reason="children are listed by /proc")
@pytest.mark.parametrize("how", ["SIGINT", "SIGTERM", "SIGKILL"])
def test_processes_end_with_the_one_that_started_them(records, tmp_path, how):
    script = tmp_path / "script.py"
    script.write_text(CHILD)
    process = subprocess.Popen(
        [sys.executable, script, records[0].image.parent],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout.readline() == "begun\n"
    listed = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
    children = [int(number) for number in listed.split()]
    assert len(children) == 2
    os.killpg(process.pid, signal.Signals[how])
    _, err = process.communicate(timeout=30)
    assert process.returncode != 0
    # Only the process that was interrupted may say so.
    assert err.count("Traceback") == (how == "SIGINT")
    end = time.monotonic() + 30
    while any(is_alive(child) for child in children):
        assert time.monotonic() < end
        time.sleep(0.01)


def is_alive(process):
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
