import json
import logging
import pickle
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from mlopsproj_serving.scheduling import memory as memory_module
from mlopsproj_serving.scheduling.memory import Memory, Situation
from small_bundle import make_small_bundle

RATES = {"single": 100.0, "batches": 150.5}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return make_small_bundle(tmp_path_factory.mktemp("memory") / "bundle")


@pytest.fixture(scope="module")
def situation(bundle):
    return Situation.here(bundle, threads=2, max_batch=16)


def files(folder):
    return sorted(path.name for path in folder.iterdir())


def test_what_was_measured_is_recalled_also_by_another_process(tmp_path, situation):
    assert Memory(tmp_path / "kept").recall(situation) is None
    Memory(tmp_path / "kept").remember(situation, "batches", RATES)
    assert Memory(tmp_path / "kept").recall(situation) == "batches"
    assert files(tmp_path / "kept") == [f"{situation.key}.json"]


def test_the_file_tells_what_was_measured_of_what(tmp_path, situation):
    Memory(tmp_path).remember(situation, "batches", RATES)
    told = json.loads((tmp_path / f"{situation.key}.json").read_text())
    assert told["images_per_second"] == RATES
    assert told["situation"]["cpu"] == situation.cpu


@pytest.mark.parametrize(
    "change",
    [
        {"bundle": "f" * 64},
        {"cpu": "another"},
        {"flags": ("sse",)},
        {"cores": 99},
        {"threads": 3},
        {"max_batch": 8},
        {"versions": "others"},
    ],
)
def test_in_another_situation_nothing_is_recalled(tmp_path, situation, change):
    memory = Memory(tmp_path)
    memory.remember(situation, "batches", RATES)
    assert memory.recall(replace(situation, **change)) is None


def test_two_bundles_are_two_situations(tmp_path, situation):
    other = make_small_bundle(tmp_path / "bundle", name="other")
    there = Situation.here(other, threads=2, max_batch=16)
    assert there.bundle != situation.bundle
    assert replace(there, bundle=situation.bundle) == situation


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'"batches"', b"{}", b'{"strategy": 3}', b"\xff\xfe", b"[" * 9999]
)
def test_a_damaged_file_is_ignored_and_said_in_the_debug_log(tmp_path, situation, content, caplog):
    (tmp_path / f"{situation.key}.json").write_bytes(content)
    with caplog.at_level(logging.DEBUG):
        assert Memory(tmp_path).recall(situation) is None
    assert "is ignored" in caplog.text
    Memory(tmp_path).remember(situation, "single", RATES)
    assert Memory(tmp_path).recall(situation) == "single"


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path, situation, caplog):
    (tmp_path / "file").write_bytes(b"")
    memory = Memory(tmp_path / "file" / "folder")
    with caplog.at_level(logging.DEBUG), memory.turn(situation):
        memory.remember(situation, "single", RATES)
        assert memory.recall(situation) is None
    assert "is not kept" in caplog.text
    assert "cannot be locked" in caplog.text


def test_it_lies_in_the_users_cache(tmp_path, situation, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    Memory.default().remember(situation, "single", RATES)
    assert [path.parent for path in tmp_path.rglob("*.json")] == [
        tmp_path / "mlopsproj" / "scheduling"
    ]


def test_without_a_home_nothing_is_remembered(monkeypatch):
    def homeless():
        raise RuntimeError("no home")

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    assert Memory.default() is None


TAKE_TURN = """
import pickle
import sys
from pathlib import Path
from mlopsproj_serving.scheduling.memory import Memory

folder, situation = pickle.load(sys.stdin.buffer)
with Memory(folder).turn(situation):
    print("entered", flush=True)
    sys.stdin.read()
    Memory(folder).remember(situation, "batches", {"single": 100.0, "batches": 150.5})
"""


def test_one_process_measures_and_the_others_recall_it(tmp_path, situation):
    with subprocess.Popen(
        [sys.executable, "-c", TAKE_TURN], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        pickle.dump((tmp_path, situation), other.stdin)
        other.stdin.flush()
        assert other.stdout.readline() == b"entered\n"
        waiting = threading.Timer(0.2, other.stdin.close)
        waiting.start()
        with Memory(tmp_path).turn(situation):
            assert Memory(tmp_path).recall(situation) == "batches"
        waiting.join()
    assert other.returncode == 0


def test_one_that_never_ends_is_not_waited_for_for_ever(tmp_path, situation, monkeypatch):
    monkeypatch.setattr(memory_module, "PATIENCE_SECONDS", 0.1)
    with Memory(tmp_path).turn(situation):
        begun = time.monotonic()
        with Memory(tmp_path).turn(situation):
            assert time.monotonic() - begun >= 0.1


def test_a_cpu_is_known_by_its_name_and_the_flags_that_matter(tmp_path):
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(
        "processor\t: 0\nmodel name\t: A CPU @ 2 GHz\nflags\t\t: fpu avx2 avx512_vnni\n\n"
        "processor\t: 1\nmodel name\t: Another\nflags\t\t: fpu\n\n"
    )
    assert memory_module._cpu(cpuinfo) == ("A CPU @ 2 GHz", ("avx2", "avx512_vnni"))
    cpuinfo.write_text(
        "processor\t: 0\nFeatures\t: fp asimddp\nCPU implementer\t: 0x41\nCPU part\t: 0xd0c\n\n"
    )
    name, flags = memory_module._cpu(cpuinfo)
    assert "0x41 0xd0c" in name
    assert flags == ("asimddp",)
    assert memory_module._cpu(tmp_path / "missing")[0]
