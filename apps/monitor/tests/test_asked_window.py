from datetime import UTC, datetime, timedelta

import pytest
from mlopsproj_core.errors import ConfigError
from mlopsproj_monitor.asked_window import asked_window
from mlopsproj_monitoring import WindowConfig


def test_it_is_as_set_unless_times_say_otherwise(settings):
    assert asked_window(settings(), None, None) == (WindowConfig(), None)
    until = datetime(2026, 1, 31, tzinfo=UTC)
    assert asked_window(settings(), None, "2026-01-31") == (WindowConfig(), until)


def test_times_say_how_large_it_is(settings):
    window, until = asked_window(settings(), "2026-01-30T12:00", "2026-01-31")
    assert window == WindowConfig(images=None, hours=12)
    assert until == datetime(2026, 1, 31, tzinfo=UTC)


def test_it_ends_now_unless_told_otherwise(settings):
    begin = datetime.now(UTC) - timedelta(hours=3)
    window, until = asked_window(settings(), begin.isoformat(), None)
    assert window.hours == pytest.approx(3, abs=0.1)
    assert abs(datetime.now(UTC) - until) < timedelta(minutes=5)


@pytest.mark.parametrize(
    ("since", "until", "said"),
    [
        ("yesterday", None, "--since is 'yesterday'"),
        (None, "32", "--until is '32'"),
        ("2026-02-01", "2026-01-31", "not before the end"),
        ("9000-01-01", None, "not before the end"),
    ],
)
def test_what_is_no_window_is_named(settings, since, until, said):
    with pytest.raises(ConfigError, match=said):
        asked_window(settings(), since, until)


def test_it_has_one_size(settings):
    read = settings(MLOPSPROJ_MONITOR_WINDOW_HOURS="2")
    with pytest.raises(ConfigError, match="no number of images or hours"):
        asked_window(read, "2026-01-30", None)
