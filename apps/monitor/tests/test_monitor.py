from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from mlopsproj_core.errors import DatabaseAwayError, NoModelError, NotFoundError, RegistryError
from mlopsproj_core.registry import ModelVersion
from mlopsproj_monitor.monitor import Monitor
from mlopsproj_records.drift_history import DriftCheckRecord, DriftHistory
from mlopsproj_records.identifiers import uuid7

TIME = datetime(2026, 1, 31, 12, tzinfo=UTC)


def record(model="brightness", version=1, minutes=0):
    return DriftCheckRecord(
        id=uuid7(),
        time=TIME + timedelta(minutes=minutes),
        model=model,
        version=version,
        verdict="no drift",
        p_value=0.5,
        images=200,
        since=None,
        until=None,
        document={},
    )


@pytest.fixture
def monitor(watching):
    watch = watching()
    return Monitor(watch.database, watch.watch, watch.following, watch.conditions, None)


@hypothesis_settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(minutes=st.lists(st.integers(0, 3), max_size=20), limit=st.integers(1, 6))
def test_pages_hold_every_check_once_newest_first(monitor, minutes, limit):
    model = uuid7()
    history = DriftHistory(monitor.database)
    kept = [record(model=model, minutes=each) for each in minutes]
    for each in kept:
        history.record(each)
    pages, before = [], None
    while not pages or before is not None:
        page, before = monitor.checks(model=model, version=None, before=before, limit=limit)
        pages.append(page)
    assert all(len(page) == limit for page in pages[:-1])
    wanted = sorted(kept, key=lambda each: (each.time, each.id), reverse=True)
    assert [each.id for page in pages for each in page] == [each.id for each in wanted]


def test_a_check_that_is_none_to_go_on_from_is_named(monitor):
    with pytest.raises(NotFoundError, match='no check "x"'):
        monitor.checks(model=None, version=None, before="x", limit=1)


def test_it_is_not_ready_before_it_has_looked(monitor, world, bundle):
    assert isinstance(monitor.why_not_ready(), NoModelError)
    world.publish(bundle, "production")
    monitor.watch.look()
    assert monitor.why_not_ready() is None


def test_what_is_needed_first_is_told_first(monitor, world, bundle):
    world.publish(bundle, "production")
    monitor.watch.look()
    monitor.conditions.fails("brightness:1", RegistryError("no reference"))
    monitor.conditions.fails("brightness:7", RegistryError("not in production"))
    assert str(monitor.why_not_ready()) == "no reference"
    monitor.conditions.fails("database", DatabaseAwayError("away"))
    assert str(monitor.why_not_ready()) == "away"
    assert monitor.problem_of(ModelVersion("brightness", 1)) == "no reference"
    assert monitor.problem_of(ModelVersion("brightness", 2)) == "away"
    monitor.conditions.works("database")
    monitor.conditions.works("brightness:1")
    assert monitor.why_not_ready() is None


def test_the_latest_check_is_the_newest_of_its_version(monitor):
    history = DriftHistory(monitor.database)
    kept = [record(minutes=1), record(minutes=2), record(version=2, minutes=3)]
    for each in kept:
        history.record(each)
    assert monitor.latest("brightness", 1).id == kept[1].id
    assert monitor.latest("brightness", 3) is None
