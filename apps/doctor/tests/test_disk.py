import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from mlopsproj_doctor.disk import examine_places, places
from mlopsproj_doctor.findings import State
from mlopsproj_doctor.variables import DoctorSettings


def usage(free):
    return SimpleNamespace(total=100e9, used=100e9 - free, free=free)


def test_every_place_of_the_defaults(folder):
    assert list(places(DoctorSettings())) == [
        *("cache", "database", "prepared", "registry", "runs", "spool", "temporary"),
    ]


def test_what_lies_elsewhere_has_no_place(folder):
    settings = DoctorSettings(registry_url="gs://b/r", database_url="postgresql://h/log")
    assert {"database", "registry"}.isdisjoint(places(settings))
    assert "database" not in places(DoctorSettings(database_url="nonsense"))


def test_places_on_one_disk_are_told_together(folder):
    (finding,) = examine_places({"runs": folder / "runs", "spool": folder})
    assert finding.text.endswith(": runs, spool")
    assert Path(finding.name).is_mount()
    assert not (folder / "runs").exists()


@pytest.mark.parametrize(
    ("free", "state"), [(50e9, State.OK), (1.5e9, State.WARN), (50e6, State.FAIL), (0, State.FAIL)]
)
def test_little_room_is_a_warning_and_none_a_failure(folder, monkeypatch, free, state):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(free))
    (finding,) = examine_places({"runs": folder})
    assert finding.state is state
    assert bool(finding.mend) == (state is not State.OK)


@pytest.mark.skipif(not hasattr(os, "statvfs"), reason="this system counts no files")
def test_a_disk_that_takes_no_more_files_fails(folder, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(50e9))
    for files, free, expected in ((1000, 0, State.FAIL), (1000, 5, State.OK), (0, 0, State.OK)):
        state = SimpleNamespace(f_files=files, f_favail=free)
        monkeypatch.setattr(os, "statvfs", lambda _, state=state: state)
        (finding,) = examine_places({"runs": folder})
        assert finding.state is expected


def test_a_place_that_may_only_be_read_is_a_warning(folder, as_nobody):
    folder.chmod(0o555)
    try:
        with as_nobody():
            findings = list(examine_places({"runs": folder / "runs"}))
    finally:
        folder.chmod(0o755)
    assert State.WARN in {finding.state for finding in findings}
