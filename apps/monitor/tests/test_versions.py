from datetime import UTC, datetime, timedelta

from mlopsproj_core.registry import ModelVersion
from mlopsproj_monitor.versions import Watched, recent_versions
from mlopsproj_records.database import Database


def found(world, meant, alias="production"):
    with Database(world.database_url) as database:
        return recent_versions(database, ModelVersion("brightness", meant), alias)


def test_what_is_meant_is_watched_before_it_has_answered(world):
    assert found(world, 2) == [Watched(ModelVersion("brightness", 2), "production", None)]


def test_versions_that_answered_lately_are_watched_too(world, bundle):
    world.now = datetime.now(UTC) - timedelta(days=2)
    world.predict(bundle, 1, version=1)
    world.now = datetime.now(UTC) - timedelta(hours=2)
    world.predict(bundle, 1, version=2)
    earlier = world.now
    world.predict(bundle, 1, version=3)
    assert found(world, 3) == [
        Watched(ModelVersion("brightness", 3), "production", world.now),
        Watched(ModelVersion("brightness", 2), None, earlier),
    ]
    assert [each.version.number for each in found(world, 1)] == [1, 3, 2]


def test_one_that_is_meant_by_its_number_is_watched_alone(world, bundle):
    world.predict(bundle, 1, version=1)
    world.predict(bundle, 1, version=2)
    assert [each.version.number for each in found(world, 1, alias=None)] == [1]
