"""Real databases, registries and checks; only the making of detectors is spared."""

import logging
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from mlopsproj_core.errors import BundleCorruptError, DatabaseAwayError, RegistryError
from mlopsproj_monitor.checks import check
from mlopsproj_monitor.watch import PAUSE_SECONDS
from mlopsproj_monitoring import WindowConfig
from mlopsproj_records.identifiers import uuid7
from monitor.world import DARKER

HOUR = timedelta(hours=1)


@pytest.fixture
def published(world, bundle):
    world.publish(bundle, "production")
    return bundle


def test_it_is_quiet_as_long_as_nothing_drifts(world, published, watching):
    watch = watching()
    for _ in range(3):
        world.predict(published, 120)
        watch.look()
    assert watch.verdicts() == ["no drift"] * 3
    assert watch.events() == watch.told == 0
    assert watch.metric("drift", model="brightness", version="1") == 0


def test_drift_is_told_once_within_the_cooldown(world, published, watching):
    watch = watching()
    world.predict(published, 300)
    watch.look()
    for _ in range(3):
        world.predict(published, 300, scale=DARKER)
        watch.look()
    assert watch.verdicts() == ["no drift", *["drift"] * 3]
    assert watch.events() == watch.told == 1
    assert watch.metric("checks_total", verdict="drift") == 3
    assert watch.metric("drift", version="1") == 1
    assert watch.metric("detector_effect", detector="brightness") > 0.2


def test_another_version_has_a_cooldown_of_its_own(world, published, watching):
    watch = watching()
    world.predict(published, 300, scale=DARKER)
    watch.look()
    world.publish(published, "production")
    world.predict(published, 300, version=2, scale=DARKER)
    watch.look()
    assert watch.events() == 2


def test_the_same_images_are_checked_once(world, published, watching):
    watch = watching()
    world.predict(published, 150)
    for _ in range(3):
        watch.look()
    assert watch.verdicts() == ["no drift"]


def test_fewer_new_images_than_a_step_are_not_checked(world, published, watching):
    watch = watching()
    world.predict(published, 150)
    watch.look()
    world.predict(published, 99)
    watch.look()
    assert len(watch.checks()) == 1
    world.predict(published, 1)
    watch.look()
    assert [each.images for each in watch.checks()] == [250, 150]


def test_no_check_is_made_before_the_interval_has_passed(world, published, watching):
    watch = watching(interval=HOUR)
    world.predict(published, 150)
    watch.look()
    world.predict(published, 500)
    watch.look()
    assert len(watch.checks()) == 1


@pytest.mark.parametrize("made", [timedelta(hours=-2), timedelta(hours=2), timedelta(days=400)])
def test_one_is_made_after_it_and_after_a_clock_went_back(world, published, watching, made):
    watch = watching(interval=HOUR)
    world.predict(published, 150)
    watch.look()
    (first,) = watch.checks()
    later = msgspec.structs.replace(first, id=uuid7(), time=datetime.now(UTC) + made)
    watch.watch._history.record(later)
    with watch.database._engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM drift_check WHERE id = ?", (first.id,))
    world.predict(published, 150)
    watch.look()
    assert len(watch.checks()) == 2
    world.predict(published, 150)
    watch.look()
    assert len(watch.checks()) == 2  # not at every look until the clock has caught up


def test_a_window_that_had_too_few_is_checked_as_soon_as_it_may_have_enough(
    world, published, watching
):
    watch = watching(interval=HOUR)
    watch.look()
    watch.look()
    assert [each.images for each in watch.checks()] == [0]
    assert watch.metric("drift", version="1") is None
    world.predict(published, 60)
    watch.look()
    assert len(watch.checks()) == 1
    world.predict(published, 60)
    watch.look()
    assert [each.images for each in watch.checks()] == [120, 0]
    assert watch.verdicts() == ["not enough data", "no drift"]


def test_a_window_of_hours_forgets_what_is_older(world, published, watching):
    world.now = datetime.now(UTC) - timedelta(hours=5)
    world.predict(published, 150, scale=DARKER)
    world.now = datetime.now(UTC) - timedelta(minutes=30)
    world.predict(published, 150)
    watch = watching(window=WindowConfig(images=None, hours=1))
    watch.look()
    assert [(each.images, each.verdict) for each in watch.checks()] == [(150, "no drift")]


def test_a_promotion_is_followed_and_the_version_before_watched_on(world, published, watching):
    watch = watching()
    world.predict(published, 150)
    watch.look()
    world.publish(published, "production")
    world.predict(published, 120, version=1)
    world.predict(published, 150, version=2)
    watch.look()
    assert [(each.version.number, each.alias) for each in watch.watch.watched] == [
        (2, "production"),
        (1, None),
    ]
    assert sorted((each.version, each.images) for each in watch.checks()) == [
        *((1, 150), (1, 270), (2, 150)),
    ]


def test_what_is_watched_no_longer_leaves_the_metrics(world, published, watching):
    watch = watching(reference="brightness:1")
    world.predict(published, 150)
    watch.look()
    assert watch.metric("drift_p_value", version="1") is not None
    world.publish(published, "production")
    other = watching(reference="brightness:2")
    other.watch._metrics = watch.metrics
    other.look()
    assert watch.metric("drift_p_value", version="1") is None
    assert watch.metric("window_images", version="2") == 0


def test_a_monitor_that_starts_anew_shows_what_the_one_before_found(world, published, watching):
    first = watching()
    world.predict(published, 300, scale=DARKER)
    first.look()
    second = watching()
    second.look()
    assert len(second.checks()) == 1
    assert second.metric("drift", version="1") == 1
    assert second.metric("checks_total", verdict="drift") is None


def test_two_monitors_tell_of_one_drift_once(world, published, watching):
    first, second = watching(), watching()
    world.predict(published, 300, scale=DARKER)
    prepared = first.detectors.of(world.registry.resolve("brightness:1"))
    # Both check before either has kept what it found.
    found = [check(each.database, prepared, WindowConfig()) for each in (first, second)]
    put = [each.following.record(one) for each, one in zip((first, second), found, strict=True)]
    assert sorted(each.event_put for each in put) == [False, True]
    assert first.events() == 1


def test_a_registry_that_is_away_stops_no_check_of_what_was_known(
    world, published, watching, monkeypatch
):
    watch = watching()
    world.predict(published, 150)
    watch.look()

    def away(_):
        raise RegistryError("no route to it")

    monkeypatch.setattr(world.registry, "locate", away)
    world.predict(published, 150)
    watch.look()
    assert len(watch.checks()) == 2
    assert "no route to it" in str(watch.conditions.failing["registry"])
    assert watch.metric("check_failures_total", reason="registry") == 1
    monkeypatch.undo()
    watch.look()
    assert not watch.conditions.failing


def test_a_registry_without_a_model_is_told_until_it_has_one(world, bundle, watching):
    watch = watching()
    watch.look()
    assert "no model" in str(watch.conditions.failing["registry"])
    assert not watch.watch.looked
    world.publish(bundle, "production")
    world.predict(bundle, 150)
    watch.look()
    assert not watch.conditions.failing
    assert watch.verdicts() == ["no drift"]


def test_a_database_that_is_away_is_told_and_comes_back(world, published, watching, monkeypatch):
    watch = watching()
    world.predict(published, 150)

    def away(*_, **__):
        raise DatabaseAwayError("nobody answers")

    monkeypatch.setattr(watch.database, "run", away)
    watch.look()
    assert "nobody answers" in str(watch.conditions.failing["database"])
    assert watch.metric("check_failures_total", reason="database") == 1
    monkeypatch.undo()
    watch.look()
    assert not watch.conditions.failing
    assert watch.verdicts() == ["no drift"]


def test_a_bundle_that_cannot_be_used_is_tried_again_after_a_pause(
    world, published, watching, monkeypatch, caplog
):
    caplog.set_level(logging.INFO)
    now = [1000.0]
    monkeypatch.setattr("mlopsproj_monitor.watch.time.monotonic", lambda: now[0])
    watch = watching()
    watch.detectors.fails = BundleCorruptError("reference.parquet is missing")
    world.predict(published, 150)
    watch.look()
    now[0] += PAUSE_SECONDS / 2
    watch.look()
    assert "missing" in str(watch.conditions.failing["brightness:1"])
    assert watch.metric("check_failures_total", reason="bundle") == 1
    watch.detectors.fails = None
    now[0] += PAUSE_SECONDS
    watch.look()
    assert watch.verdicts() == ["no drift"]
    assert not watch.conditions.failing
    assert caplog.text.count("is missing") == 1
    assert "brightness:1: works again" in caplog.text


def test_a_log_of_another_model_is_told_and_is_no_defect(world, published, watching):
    watch = watching()
    (record,) = world.records(published, 1)
    world.insert([msgspec.structs.replace(record, probabilities=bytes(12))])
    watch.look()
    assert "another model of that name" in str(watch.conditions.failing["brightness:1"])
    assert watch.metric("check_failures_total", reason="data") == 1
    assert not watch.checks()


def test_a_defect_is_counted_told_and_raised_for_the_log(world, published, watching):
    watch = watching()
    watch.detectors.fails = ZeroDivisionError("a defect")
    world.predict(published, 150)
    with pytest.raises(ZeroDivisionError):
        watch.look()
    assert watch.metric("check_failures_total", reason="internal") == 1
    assert "ZeroDivisionError" in str(watch.conditions.failing["brightness:1"])
    watch.look()
    assert watch.metric("check_failures_total", reason="internal") == 1


@pytest.mark.parametrize(("part", "method"), [("registry", "locate"), ("database", "extents")])
@pytest.mark.usefixtures("published")
def test_a_defect_of_a_look_is_counted_and_told_until_it_ends(
    world, watching, monkeypatch, part, method
):
    watch = watching()
    watch.look()

    def broken(_):
        raise ZeroDivisionError("a defect")

    object_ = world.registry if part == "registry" else watch.database
    monkeypatch.setattr(object_, method, broken)
    with pytest.raises(ZeroDivisionError):
        watch.look()
    assert "ZeroDivisionError" in str(watch.conditions.failing[part])
    assert watch.metric("check_failures_total", reason="internal") == 1
    monkeypatch.undo()
    watch.look()
    assert not watch.conditions.failing


def test_drift_requests_a_retraining_that_waits(world, published, watching):
    watch = watching(environment={"MLOPSPROJ_MONITOR_RETRAIN": "command:true"})
    world.predict(published, 300, scale=DARKER)
    watch.look()
    (requested,) = watch.following.flow.retrainings.recent()
    assert (requested.state, requested.model, requested.version) == ("waiting", "brightness", 1)
    assert requested.event_id == watch.checks()[0].id
