import json
import os

import pytest
from mlopsproj_core.errors import ConfigError
from mlopsproj_serving.http.keys import new_key
from mlopsproj_serving.process.settings import (
    Port,
    Positive,
    ServiceSettings,
    without_password,
    without_path,
)
from pydantic import AliasChoices, Field
from pydantic_settings import SettingsConfigDict


class ShopSettings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="MLOPSPROJ_SHOP_")

    port: Port = Field(default=7000, validation_alias=AliasChoices("MLOPSPROJ_SHOP_PORT", "PORT"))
    counters: Positive = Field(default=1, description="Where one pays.")


@pytest.fixture(autouse=True)
def no_settings(monkeypatch):
    for name in list(os.environ):
        if name.startswith("MLOPSPROJ_") or name == "PORT":
            monkeypatch.delenv(name)


def test_a_service_has_variables_of_its_own_and_those_of_all(monkeypatch):
    monkeypatch.setenv("MLOPSPROJ_SHOP_COUNTERS", "2")
    monkeypatch.setenv("MLOPSPROJ_SHOP_LOG_LEVEL", "DEBUG")
    monkeypatch.setenv("MLOPSPROJ_DATABASE_URL", "sqlite:///shop.db")
    settings = ShopSettings.read()
    assert (settings.counters, settings.log_level) == (2, "debug")
    assert settings.database_url == "sqlite:///shop.db"
    assert ShopSettings.variable_of("keys") == "MLOPSPROJ_SHOP_KEYS"
    assert ShopSettings.variable_of("port") == "MLOPSPROJ_SHOP_PORT"
    assert ShopSettings.variable_of("admin_keys") == "MLOPSPROJ_ADMIN_KEYS"


def test_the_table_begins_with_the_address_and_ends_with_what_all_commands_read():
    names = [row.variable.removeprefix("MLOPSPROJ_") for row in ShopSettings().table()]
    assert names[:3] == ["SHOP_HOST", "SHOP_PORT", "SHOP_COUNTERS"]
    assert {"REGISTRY_URL", "EVENT_URL", "MODEL"} == set(names[-3:])
    assert "CONFIG_DIR" not in names


def test_the_page_tells_every_setting_to_a_person_and_to_a_program(monkeypatch):
    monkeypatch.setenv("MLOPSPROJ_SHOP_COUNTERS", "2")
    settings = ShopSettings.read()
    rows = settings.table()
    lines = settings.page(as_json=False).splitlines()
    assert [line.split()[0] for line in lines] == [row.variable for row in rows]
    assert all(line.endswith(row.help) for line, row in zip(lines, rows, strict=True))
    found = json.loads(settings.page(as_json=True))
    assert found == {row.variable: row.value for row in rows}
    assert found["MLOPSPROJ_SHOP_COUNTERS"] == "2"


@pytest.mark.parametrize(
    ("variable", "value"),
    [("PORT", "http"), ("MLOPSPROJ_SHOP_PORT", "65536"), ("MLOPSPROJ_SHOP_COUNTERS", "0")],
)
def test_a_bad_value_is_named_with_the_variable_that_was_set(monkeypatch, variable, value):
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigError, match=rf"^{variable} is '{value}': "):
        ShopSettings.read()


def test_flags_count_more_than_the_environment(monkeypatch):
    monkeypatch.setenv("PORT", "9000")
    monkeypatch.setenv("MLOPSPROJ_SHOP_COUNTERS", "3")
    ShopSettings.put_into_environment({"port": 9002, "counters": None})
    settings = ShopSettings.read()
    assert (settings.port, settings.counters) == (9002, 3)


def test_keys_are_known_and_a_bad_entry_is_not_shown(monkeypatch):
    key, digest = new_key()
    monkeypatch.setenv("MLOPSPROJ_SHOP_KEYS", f"till:{digest}")
    monkeypatch.setenv("MLOPSPROJ_ADMIN_KEYS", "secret")
    settings = ShopSettings.read()
    assert settings.key_ring("keys").who(key) == "till"
    with pytest.raises(ConfigError, match=r"^MLOPSPROJ_ADMIN_KEYS cannot be used") as caught:
        settings.key_ring("admin_keys")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://user:se@cret@host:5432/name", "postgresql://user@host:5432/name"),
        ("sqlite:///a@b.db", "sqlite:///a@b.db"),
        (
            "postgresql://host/db?user=me&password=se@cret&sslmode=require",
            "postgresql://host/db?user=me&password=***&sslmode=require",
        ),
    ],
)
def test_a_password_is_not_shown(url, shown):
    assert without_password(url) == shown


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("log:", "log:"),
        ("github://owner/repository", "github://owner/repository"),
        ("https://hooks.example.com/", "https://hooks.example.com"),
        ("https://hooks.example.com/T0/secret", "https://hooks.example.com/***"),
        ("https://hooks.example.com?key=secret", "https://hooks.example.com/***"),
        ("https://me:secret@hooks.example.com/x", "https:***"),
        ("ftp://host/secret", "ftp:***"),
    ],
)
def test_the_secret_of_a_webhook_is_not_shown(monkeypatch, url, shown):
    assert without_path(url) == shown
    monkeypatch.setenv("MLOPSPROJ_EVENT_URL", url)
    rows = {row.variable: row.value for row in ShopSettings.read().table()}
    assert rows["MLOPSPROJ_EVENT_URL"] == shown
