import sys
from pathlib import Path

import pytest
from mlopsproj_core.errors import ConfigError
from mlopsproj_monitoring.triggers import CommandTrigger, WebhookTrigger, read_trigger


def test_without_a_setting_drift_starts_nothing(tmp_path):
    assert read_trigger(None, folder=tmp_path) is None


@pytest.mark.parametrize(
    ("text", "kind", "how"),
    [
        (
            "command:uv run train experiment=quick",
            CommandTrigger,
            "command: uv run train experiment=quick",
        ),
        (
            "Command: train 'data.path=my photos'",
            CommandTrigger,
            "command: train 'data.path=my photos'",
        ),
        ("command:echo $HOME;reboot", CommandTrigger, "command: echo '$HOME;reboot'"),
        ("github://owner/repository", WebhookTrigger, "github://owner/repository"),
        ("https://host:8443/hook?key=s3cret", WebhookTrigger, "https://host:8443"),
        (" http://host/x\n", WebhookTrigger, "http://host"),
    ],
)
def test_a_setting_says_how(tmp_path, text, kind, how):
    trigger = read_trigger(text, folder=tmp_path)
    assert isinstance(trigger, kind)
    assert trigger.how == how


@pytest.mark.parametrize(
    "text",
    [
        *("", "command:", "command: ", "command:'", "command:a\0b", "log:", "train", "ftp://x"),
        *("file:/x", "github://owner", "http://", "https://user:password@host/"),
    ],
)
def test_what_starts_nothing_is_refused_with_the_setting_named(tmp_path, text):
    with pytest.raises(ConfigError, match="MLOPSPROJ_MONITOR_RETRAIN") as caught:
        read_trigger(text, folder=tmp_path)
    assert "password" not in str(caught.value)


def test_windows_has_no_commands(monkeypatch):
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(ConfigError, match="needs Linux or macOS"):
        read_trigger("command:train", folder=Path())
