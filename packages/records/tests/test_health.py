import pytest
from mlopsproj_records import health as health_module
from mlopsproj_records.health import Health


@pytest.fixture
def health():
    return Health("Nothing works", "All is well")


def said(caplog):
    return [f"{record.levelname} {record.getMessage()}" for record in caplog.records]


def test_a_change_is_said_and_nothing_else(health, caplog):
    for error in (None, OSError("full"), OSError("fuller"), None, None):
        health.note(error)
    assert said(caplog) == ["ERROR Nothing works: full", "WARNING All is well."]


def test_it_remembers_what_was_wrong_last(health):
    assert (health.error, health.last_error) == (None, None)
    health.note(OSError("full"))
    health.note(ValueError())
    assert health.error == "ValueError"
    health.note(None)
    assert (health.error, health.last_error) == (None, "ValueError")


def test_what_comes_and_goes_is_said_once(health, caplog, monkeypatch):
    for _ in range(5):
        health.note(OSError("full"))
        health.note(None)
    assert len(said(caplog)) == 2
    monkeypatch.setattr(health_module, "SILENT_SECONDS", 0)
    health.note(OSError("full again"))
    assert said(caplog)[2:] == ["ERROR Nothing works: full again"]


def test_what_stays_away_after_coming_back_is_said(health, caplog, monkeypatch):
    health.note(OSError("restarting"))
    health.note(None)
    health.note(OSError("gone"))
    assert len(said(caplog)) == 2
    monkeypatch.setattr(health_module, "SILENT_SECONDS", 0)  # they have passed
    health.note(OSError("gone"))
    health.note(OSError("gone"))
    assert said(caplog)[2:] == ["ERROR Nothing works: gone"]
