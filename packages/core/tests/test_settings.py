from pathlib import Path

import pytest
from mlopsproj_core.settings import Settings
from pydantic import ValidationError

NAMES = ("REGISTRY_URL", "EVENT_URL", "MODEL", "CONFIG_DIR", "WANDB_REGISTRY")


@pytest.fixture(autouse=True)
def no_variables(monkeypatch):
    for name in NAMES:
        monkeypatch.delenv(f"MLOPSPROJ_{name}", raising=False)


def test_defaults_need_no_environment():
    assert Settings().model_dump() == {
        "registry_url": "./registry",
        "event_url": "log:",
        "model": None,
        "config_dir": None,
        "wandb_registry": None,
    }


def test_the_environment_is_read_when_settings_are_made(monkeypatch):
    values = (
        "gs://bucket/x",
        "https://example.org/hook",
        "fashion-mnist",
        "/etc/mlopsproj",
        "team/model",
    )
    for name, value in zip(NAMES, values, strict=True):
        monkeypatch.setenv(f"MLOPSPROJ_{name}", value)
    assert Settings().model_dump() == {
        "registry_url": "gs://bucket/x",
        "event_url": "https://example.org/hook",
        "model": "fashion-mnist",
        "config_dir": Path("/etc/mlopsproj"),
        "wandb_registry": "team/model",
    }


def test_an_empty_variable_counts_as_unset(monkeypatch):
    """As `docker run -e NAME=` and compose files give it."""
    for name in NAMES:
        monkeypatch.setenv(f"MLOPSPROJ_{name}", "")
    assert Settings().registry_url == "./registry"
    assert Settings().event_url == "log:"
    assert Settings().model is None
    assert Settings().config_dir is None


def test_cannot_be_changed_by_accident():
    with pytest.raises(ValidationError, match="frozen"):
        Settings().model = "other"
