from pathlib import Path

import pytest
from mlopsproj_core.errors import ConfigError
from mlopsproj_records.database_url import identity, read_url, shown


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("predictions.db", "is no URL of a database"),
        ("", "is no URL of a database"),
        ("sqlite://", "keeps nothing: name a file"),
        ("sqlite:///:memory:", "keeps nothing: name a file"),
        ("mysql://me:secret@host/log", r"mysql://me:\*\*\*@host/log is of a kind"),
        ("postgresql://me:secret@host:port/log", "is no URL of a database"),
    ],
)
def test_a_url_that_cannot_be_used_is_told_without_its_password(url, reason):
    with pytest.raises(ConfigError, match=reason) as caught:
        read_url(url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg2"])
def test_the_driver_is_the_one_that_is_installed(scheme):
    url = read_url(f"{scheme}://me@host/log")
    assert url.drivername == "postgresql+psycopg"
    assert shown(url) == "postgresql://me@host/log"


def test_no_password_is_shown():
    url = read_url(
        "postgresql://me:s%40cret@db.example:5433/log?sslmode=require&sslpassword=hidden"
    )
    assert shown(url) == (
        "postgresql://me:***@db.example:5433/log?sslmode=require&sslpassword=%2A%2A%2A"
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("sqlite:///log.db", f"sqlite:///{Path.cwd()}/log.db"),
        ("postgresql://me:old@host/log", "postgres://you:new@host:5432/log?sslmode=require"),
        ("postgresql:///log?host=/run/pg", "postgresql://me@/log?host=/run/pg"),
    ],
)
def test_a_database_is_the_same_however_it_is_written(one, other):
    assert identity(read_url(one)) == identity(read_url(other))


def test_other_databases_are_others():
    urls = ["sqlite:///a.db", "sqlite:///b.db", "postgresql://host/a", "postgresql://host/b"]
    urls += ["postgresql://other/a", "postgresql://host:5433/a", "postgresql:///a?host=/run/pg"]
    assert len({identity(read_url(url)) for url in urls}) == len(urls)
    assert "secret" not in identity(read_url("postgresql://me:secret@host/a?password=secret"))
