import json
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from mlopsproj_doctor.concealment import HIDDEN, Secrets, shown
from mlopsproj_doctor.settings import examine_variables
from mlopsproj_doctor.variables import KNOWN, Kind

secrets = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=6, max_size=30).filter(
    lambda text: text.strip() == text
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("./registry", "./registry"),
        ("gs://bucket/registry", "gs://bucket/registry"),
        ("postgresql://app:word@host:5432/log", "postgresql://***@host:5432/log"),
        ("postgresql://app:wo@rd/x@host/log", "postgresql://***@host/log"),
        ("postgresql://host/log?password=word", "postgresql://host/log?***"),
        ("app:word@host/log", "***@host/log"),
        ("sqlite:///file.db?timeout=5", "sqlite:///file.db?***"),
        ("https://host/x?token=wo@rd", "https://***"),
        ("https://me:wo?rd@host/x", "https://***"),
    ],
)
def test_a_url_is_shown_without_user_and_query(value, text):
    assert shown(value, Kind.URL) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("log:", "log:"),
        ("github://owner/repository", "github://owner/repository"),
        ("https://hooks.example/T0/B0/word", "https://hooks.example/***"),
        ("https://hooks.example?token=word", "https://hooks.example/***"),
        ("https://hooks.example#word", "https://hooks.example/***"),
        ("https://me:word@hooks.example/x", "https://***@hooks.example/***"),
        ("https://hooks.example", "https://hooks.example"),
        ("word", "***"),
    ],
)
def test_of_a_webhook_the_server_is_shown(value, text):
    assert shown(value, Kind.WEBHOOK) == text


def test_a_database_that_is_no_url_is_not_shown():
    assert shown("hunter2", Kind.DATABASE) == HIDDEN
    assert shown("sqlite:///log.db", Kind.DATABASE) == "sqlite:///log.db"


def test_keys_are_not_shown():
    assert shown("bob:0123456789abcdef", Kind.KEYS) == HIDDEN


def test_what_is_no_secret_stays():
    hide = Secrets({"MLOPSPROJ_MODEL": "fashion", "MLOPSPROJ_REGISTRY_URL": "./registry"}).hide
    text = "fashion:1 in ./registry"
    assert hide(text) == text


def test_a_url_in_a_message_is_shown_as_it_may_be():
    hide = Secrets({"MLOPSPROJ_REGISTRY_URL": "https://me:abc@host/x"}).hide
    assert hide("The registry https://me:abc@host/x is away") == (
        "The registry https://***@host/x is away"
    )


def environment_with(secret):
    """Every place in which a secret is put, rightly or not."""
    escaped = quote(secret, safe="")
    return {
        "MLOPSPROJ_DATABASE_URL": f"postgresql://app:{escaped}@host/log",
        "MLOPSPROJ_REGISTRY_URL": f"https://me:{secret}@host/registry?token={secret}",
        "MLOPSPROJ_IMAGE_LOG_URL": f"s3://bucket?secret_key={escaped}",
        "MLOPSPROJ_EVENT_URL": f"https://hooks.example/{secret}",
        "MLOPSPROJ_API_KEYS": f"bob:{secret}",
        "MLOPSPROJ_ADMIN_KEYS": secret,
        "MLOPSPROJ_DATABSE_URL": f"postgresql://app:{secret}@host/log",
        "MLOPSPROJ_API_TOKEN": secret,
    }


@given(secrets)
@example("a/b?c@d#e&f=g")
@example("p%40ss%2Fword")
@example("00000?")
@example("'quoted\\secret'")
def test_a_secret_is_in_nothing_that_is_shown_of_the_environment(secret):
    environment = environment_with(secret)
    # What is there without it may be shown.
    harmless = json.dumps(list(KNOWN)) + str(environment_with(""))
    for finding in examine_variables(environment):
        for text in (finding.text, finding.mend):
            assert secret not in text or secret in harmless


@given(secrets, st.sampled_from(list(environment_with(""))))
@example("a/b?c@d#e&f=g", "MLOPSPROJ_REGISTRY_URL")
@example("00000?", "MLOPSPROJ_REGISTRY_URL")
@example("000/ 0", "MLOPSPROJ_REGISTRY_URL")
@example("p%40ss%2Fword", "MLOPSPROJ_DATABASE_URL")
def test_a_secret_is_in_no_message_however_it_is_repeated(secret, name):
    hide = Secrets({name: environment_with(secret)[name]}).hide
    for form in (secret, quote(secret), quote(secret, safe=""), repr(secret)[1:-1]):
        assert form not in hide(f"connection as app:{form}@host refused ({form})")


@pytest.mark.parametrize("key", ["sig", "auth", "pwd", "X-Amz-Security", "k"])
def test_the_value_of_any_key_of_a_query_is_a_secret(key):
    for name in ("MLOPSPROJ_REGISTRY_URL", "MLOPSPROJ_EVENT_URL", "MLOPSPROJ_DATABASE_URL"):
        url = f"https://host/x?a=b&{key}=hunter2hunter2&c=d"
        assert "hunter2" not in Secrets({name: url}).hide("refused: hunter2hunter2 is no good")


@pytest.mark.parametrize("password", ["postgres", "postgresql", "https"])
def test_the_scheme_of_a_url_stays_whatever_the_password(password):
    url = f"postgresql://app:{password}@host/log"
    hide = Secrets({"MLOPSPROJ_DATABASE_URL": url}).hide
    assert hide(f"{url} is away") == "postgresql://***@host/log is away"
    assert hide("postgresql+psycopg://host and https://host") == (
        "postgresql+psycopg://host and https://host"
    )
    assert hide(f"no user {password}") == "no user ***"
