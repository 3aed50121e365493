import re
from pathlib import Path

import pytest
from mlopsproj_core.errors import ConfigError
from mlopsproj_monitor.settings import MonitorSettings
from mlopsproj_monitoring import DriftConfig, WindowConfig

DOCUMENTED = {
    *("MLOPSPROJ_MONITOR_HOST", "MLOPSPROJ_MONITOR_PORT", "MLOPSPROJ_MONITOR_KEYS"),
    *("MLOPSPROJ_REGISTRY_URL", "MLOPSPROJ_MODEL", "MLOPSPROJ_DATABASE_URL"),
    *("MLOPSPROJ_EVENT_URL", "MLOPSPROJ_ADMIN_KEYS"),
}
"""Variables of the architecture; more are the monitor's own."""


def test_it_listens_to_this_machine_alone_unless_told_otherwise():
    settings = MonitorSettings.read()
    assert (settings.host, settings.port) == ("127.0.0.1", 8001)
    assert (settings.retrain, settings.approve, settings.keys) == (None, "manual", None)
    assert settings.reference == "@production"


def test_every_documented_variable_is_shown():
    assert {row.variable for row in MonitorSettings.read().table()} >= DOCUMENTED


def test_its_defaults_are_those_of_the_library():
    settings = MonitorSettings.read()
    assert settings.drift_config() == DriftConfig()
    assert settings.window_config() == WindowConfig()


def test_what_is_set_counts(settings):
    read = settings(
        MLOPSPROJ_MONITOR_ALPHA="0.05",
        MLOPSPROJ_MONITOR_MINIMUM_IMAGES="50",
        MLOPSPROJ_MONITOR_MINIMUM_EFFECT="0.1",
        MLOPSPROJ_MONITOR_WINDOW_HOURS="12",
        MLOPSPROJ_MONITOR_APPROVE="AUTO",
        PORT="9001",
    )
    assert read.drift_config() == DriftConfig(alpha=0.05, minimum_images=50, minimum_effect=0.1)
    assert read.window_config() == WindowConfig(images=None, hours=12)
    assert (read.approve, read.port) == ("auto", 9001)


def test_a_window_is_of_images_or_hours(settings):
    read = settings(MLOPSPROJ_MONITOR_WINDOW_IMAGES="5", MLOPSPROJ_MONITOR_WINDOW_HOURS="1")
    with pytest.raises(ConfigError, match=r"WINDOW_IMAGES and .*WINDOW_HOURS.* Unset one"):
        read.window_config()


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("MLOPSPROJ_MONITOR_ALPHA", "2"),
        ("MLOPSPROJ_MONITOR_WINDOW_IMAGES", "0"),
        ("MLOPSPROJ_MONITOR_WINDOW_HOURS", "-1"),
        ("MLOPSPROJ_MONITOR_INTERVAL_SECONDS", "inf"),
        ("MLOPSPROJ_MONITOR_INTERVAL_SECONDS", "1e300"),
        ("MLOPSPROJ_MONITOR_COOLDOWN_HOURS", "nan"),
        ("MLOPSPROJ_MONITOR_COOLDOWN_HOURS", "1e300"),
        ("MLOPSPROJ_MONITOR_APPROVE", "perhaps"),
        ("MLOPSPROJ_MONITOR_PROXIES", "nginx"),
        ("PORT", "http"),
    ],
)
def test_a_bad_value_is_named_with_its_variable(settings, variable, value):
    with pytest.raises(ConfigError, match=rf"^{variable} is '{value}': "):
        settings(**{variable: value})


@pytest.mark.parametrize(
    ("retrain", "shown"),
    [
        ("command:uv run train", "command:uv run train"),
        ("https://ci.example.com/hook/secret", "https://ci.example.com/***"),
        ("github://owner/repository", "github://owner/repository"),
        ("ftp://host/secret", "ftp:***"),
    ],
)
def test_the_secret_of_what_drift_starts_is_not_shown(settings, retrain, shown):
    rows = settings(MLOPSPROJ_MONITOR_RETRAIN=retrain).table()
    assert [row.value for row in rows if row.variable.endswith("_RETRAIN")] == [shown]


def test_what_the_library_refuses_is_refused(settings):
    with pytest.raises(ConfigError, match="minimum_images=5"):
        settings(MLOPSPROJ_MONITOR_MINIMUM_IMAGES="5").drift_config()


def test_the_readme_shows_every_setting():
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(MLOPSPROJ_\w+)` \| (.*?) \| (.*?) \|$", readme, re.MULTILINE)
    assert rows == [
        (row.variable, f"`{row.value}`" if row.value else "", row.help)
        for row in MonitorSettings().table()
    ]
