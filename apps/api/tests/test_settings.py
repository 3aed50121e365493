import re
from pathlib import Path

import pytest
from mlopsproj_api.settings import ApiSettings
from mlopsproj_core.errors import ConfigError
from mlopsproj_serving.process.settings import without_password

DOCUMENTED = {
    *("MLOPSPROJ_API_HOST", "MLOPSPROJ_API_PORT", "MLOPSPROJ_REGISTRY_URL", "MLOPSPROJ_MODEL"),
    *("MLOPSPROJ_DATABASE_URL", "MLOPSPROJ_SPOOL_DIR", "MLOPSPROJ_IMAGE_LOG_URL"),
    *("MLOPSPROJ_EVENT_URL", "MLOPSPROJ_API_KEYS", "MLOPSPROJ_ADMIN_KEYS"),
}
"""Variables of the architecture; more are the api's own."""


def test_it_listens_to_this_machine_alone_unless_told_otherwise():
    settings = ApiSettings.read()
    assert (settings.host, settings.port, settings.workers) == ("127.0.0.1", 8000, 1)
    assert (settings.cors_origins, settings.proxies, settings.keys) == ((), None, None)
    assert settings.reference == "@production"


def test_every_variable_that_is_shown_is_read(monkeypatch):
    rows = {row.variable: row for row in ApiSettings.read().table()}
    assert rows.keys() >= DOCUMENTED
    others = {
        "MLOPSPROJ_API_SCHEDULING": "single",
        "MLOPSPROJ_API_LOG_LEVEL": "debug",
        "MLOPSPROJ_API_CORS_ORIGINS": "https://a.example,https://b.example",
        "MLOPSPROJ_API_PROXIES": "10.0.0.1, 192.168.0.0/16",
        "MLOPSPROJ_EVENT_URL": "https://hooks.example",
    }
    given = {}
    for variable, row in rows.items():
        if variable in others:
            given[variable] = others[variable]
        elif row.value in {"0", "1"} and "LOG" in variable:
            given[variable] = "0"
        elif re.fullmatch(r"\d+", row.value) or "COUNT" in variable or "MINUTE" in variable:
            given[variable] = "7"
        elif "SHARE" in variable or "SECONDS" in variable or "DAYS" in variable:
            given[variable] = "0.5"
        else:
            given[variable] = "7" if variable.endswith("THREADS") else "text"
        monkeypatch.setenv(variable, given[variable])
    assert {row.variable: row.value for row in ApiSettings.read().table()} == given


def test_port_is_a_fallback(settings):
    assert settings(PORT="9000").port == 9000
    assert settings(MLOPSPROJ_API_PORT="9001").port == 9001


def test_an_empty_variable_counts_as_unset(settings):
    assert settings(MLOPSPROJ_API_THREADS="", PORT="").threads is None


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("MLOPSPROJ_API_WORKERS", "0"),
        ("MLOPSPROJ_API_PORT", "65536"),
        ("PORT", "http"),
        ("MLOPSPROJ_API_THREADS", "two"),
        ("MLOPSPROJ_API_SCHEDULING", "fast"),
        ("MLOPSPROJ_API_SHADOW_SHARE", "1.5"),
        ("MLOPSPROJ_API_DEADLINE_SECONDS", "inf"),
        ("MLOPSPROJ_API_LOG", "perhaps"),
        ("MLOPSPROJ_API_RETENTION_DAYS", "-1"),
        ("MLOPSPROJ_API_LOG_LEVEL", "loud"),
        ("MLOPSPROJ_API_PROXIES", "nginx"),
        ("MLOPSPROJ_API_PROXIES", "10.0.0.1,*"),
    ],
)
def test_a_bad_value_is_named_with_its_variable(settings, variable, value):
    with pytest.raises(ConfigError) as caught:
        settings(**{variable: value})
    message = str(caught.value)
    assert message.startswith(f"{variable} is {value!r}: ")
    assert message.endswith(".")


def test_all_bad_values_are_named_at_once(settings):
    with pytest.raises(ConfigError, match=r"API_WORKERS is '0'.*API_THREADS is '0'"):
        settings(MLOPSPROJ_API_WORKERS="0", MLOPSPROJ_API_THREADS="0")


def test_a_flag_counts_more_than_the_environment(monkeypatch):
    monkeypatch.setenv("PORT", "9000")
    monkeypatch.setenv("MLOPSPROJ_REGISTRY_URL", "gs://one")
    ApiSettings.put_into_environment({"port": 9002, "registry_url": "gs://two", "workers": None})
    settings = ApiSettings.read()
    assert (settings.port, settings.registry_url, settings.workers) == (9002, "gs://two", 1)


@pytest.mark.parametrize(
    ("model", "reference"),
    [
        ("", "@production"),
        ("pets", "pets@production"),
        ("pets@candidate", "pets@candidate"),
        ("@candidate", "@candidate"),
        ("pets:3", "pets:3"),
    ],
)
def test_the_alias_is_production_unless_given(settings, model, reference):
    assert settings(MLOPSPROJ_MODEL=model).reference == reference


def test_origins_are_split_at_commas(settings):
    given = " https://a.example/ ,https://b.example,"
    origins = settings(MLOPSPROJ_API_CORS_ORIGINS=given).cors_origins
    assert origins == ("https://a.example", "https://b.example")


def test_a_password_is_not_shown(settings):
    url = "postgresql://user:se@cret@host:5432/name"
    rows = settings(MLOPSPROJ_DATABASE_URL=url).table()
    (shown,) = (row.value for row in rows if row.variable == "MLOPSPROJ_DATABASE_URL")
    assert shown == without_password(url) == "postgresql://user@host:5432/name"
    assert without_password("sqlite:///a@b.db") == "sqlite:///a@b.db"
    query = "postgresql://host/db?user=me&password=se@cret&sslmode=require"
    assert without_password(query) == "postgresql://host/db?user=me&password=***&sslmode=require"


def test_the_readme_shows_every_setting():
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(MLOPSPROJ_\w+)` \| (.*?) \| (.*?) \|$", readme, re.MULTILINE)
    assert rows == [
        (row.variable, f"`{row.value}`" if row.value else "", row.help)
        for row in ApiSettings().table()
    ]


def test_variables_are_named_after_their_attribute():
    assert ApiSettings.variable_of("workers") == "MLOPSPROJ_API_WORKERS"
    assert ApiSettings.variable_of("port") == "MLOPSPROJ_API_PORT"
    assert ApiSettings.variable_of("spool_dir") == "MLOPSPROJ_SPOOL_DIR"
