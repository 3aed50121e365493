import logging

import pytest
from mlopsproj_core.errors import DatabaseAwayError, RegistryError
from mlopsproj_monitor.conditions import Conditions


@pytest.fixture
def lines(caplog):
    caplog.set_level(logging.INFO)
    return lambda: [record.getMessage() for record in caplog.records]


def test_a_failure_is_told_when_it_begins_changes_and_ends(lines):
    conditions = Conditions()
    for _ in range(3):
        conditions.fails("database", DatabaseAwayError("no route"))
    conditions.fails("database", DatabaseAwayError("no password"))
    for _ in range(3):
        conditions.works("database")
    assert lines() == [
        "database: no route",
        "database: no password",
        "database: works again",
    ]


def test_the_first_that_failed_stands_first():
    conditions = Conditions()
    away, gone = DatabaseAwayError("away"), RegistryError("gone")
    conditions.fails("database", away)
    conditions.fails("registry", gone)
    conditions.fails("database", away)
    assert list(conditions.failing.items()) == [("database", away), ("registry", gone)]
    conditions.works("database")
    assert list(conditions.failing) == ["registry"]


def test_what_is_not_needed_any_more_fails_no_more(lines):
    conditions = Conditions()
    conditions.fails("pets:1", RegistryError("gone"))
    conditions.forget({"pets:1", "pets:2"})
    assert not conditions.failing
    assert lines() == ["pets:1: gone"]
