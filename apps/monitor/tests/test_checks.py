import json
from datetime import timedelta

import pytest
from mlopsproj_core.errors import DataError
from mlopsproj_core.registry import ModelVersion
from mlopsproj_monitor.checks import as_json, check, event_of
from mlopsproj_monitor.detection import VersionDetector
from mlopsproj_monitoring import WindowConfig
from mlopsproj_records.database import Database
from monitor.world import DARKER


@pytest.fixture
def checked(world, detector):
    """`checked(images=…)`: a check of version 1, held in `world`."""
    prepared = VersionDetector(ModelVersion("brightness", 1), world.now, detector)

    def made(images=1000, **options):
        with Database(world.database_url) as database:
            return check(database, prepared, WindowConfig(images), **options)

    return made


def test_images_like_the_references_are_no_drift(world, bundle, checked):
    world.predict(bundle, 300)
    found = checked()
    assert found.record.verdict == "no drift"
    assert event_of(found, "log") is None


def test_darker_images_are_drift_and_its_event_says_so(world, bundle, checked):
    begin = world.now
    world.predict(bundle, 300, scale=DARKER)
    found = checked()
    assert found.record.verdict == "drift"
    assert (found.record.since, found.record.until) == (begin + timedelta(seconds=1), world.now)
    event = event_of(found, "sqlite:///log.db")
    assert str(event.id) == found.record.id
    assert (event.type, event.model, event.version) == ("drift-detected", "brightness", 1)
    assert any("brightness fell" in text for text in event.data["changed"])


def test_a_window_ends_before_a_time(world, bundle, checked):
    world.predict(bundle, 300)
    before = world.now
    world.predict(bundle, 300, scale=DARKER)
    assert checked(300).record.verdict == "drift"
    assert checked(300, until=before).record.verdict == "no drift"


def test_an_empty_log_is_not_enough_data(checked):
    record = checked().record
    assert (record.verdict, record.images, record.since) == ("not enough data", 0, None)


def test_a_log_of_another_model_is_refused(world, bundle, checked):
    record = world.records(bundle, 1)[0]
    import msgspec

    world.insert([msgspec.structs.replace(record, probabilities=bytes(12))])
    with pytest.raises(DataError, match="another model of that name"):
        checked()


def test_a_check_is_one_document(world, bundle, checked):
    world.predict(bundle, 150)
    record = checked().record
    document = json.loads(json.dumps(as_json(record)))
    assert (document["model"], document["version"], document["images"]) == ("brightness", 1, 150)
    assert document["since"] == record.since.isoformat()
    assert document["schema"] == 1
