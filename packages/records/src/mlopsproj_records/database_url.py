"""The URLs of databases: which there are, and how they are shown.

Knows nothing of connections.
"""

from pathlib import Path

from mlopsproj_core.errors import ConfigError
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError


def read_url(text: str) -> URL:
    """A database's URL with the driver that this project uses.

    Args:
        text: `sqlite:///file.db`, `sqlite:////absolute/file.db`, or
            `postgresql://user:password@host:port/name`.

    Raises:
        ConfigError: if it is no such URL.
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        # The text is not repeated: it may hold a password.
        raise ConfigError(
            "MLOPSPROJ_DATABASE_URL is no URL of a database: give sqlite:///file.db or"
            " postgresql://user:password@host:port/name."
        ) from None
    backend = url.get_backend_name()
    if backend == "sqlite":
        if not url.database or url.database == ":memory:":
            raise ConfigError(
                f"MLOPSPROJ_DATABASE_URL={text} keeps nothing: name a file, sqlite:///file.db."
            )
        return url
    if backend in {"postgresql", "postgres"}:
        return url.set(drivername="postgresql+psycopg")
    raise ConfigError(
        f"MLOPSPROJ_DATABASE_URL={shown(url)} is of a kind that is not known: give"
        " sqlite:///file.db or postgresql://user:password@host:port/name."
    )


def identity(url: URL) -> str:
    """Which database a URL names, however it is written and whoever asks."""
    if url.get_backend_name() == "sqlite":
        return f"sqlite:///{Path(url.database or '').absolute()}"
    host = url.host or url.query.get("host") or "localhost"
    return f"postgresql://{host}:{url.port or 5432}/{url.database or url.username or ''}"


def shown(url: URL) -> str:
    """A URL that may stand in a message: without its password."""
    query = {key: "***" if "password" in key else value for key, value in url.query.items()}
    text = url.set(query=query).render_as_string(hide_password=True)
    return text.replace("postgresql+psycopg://", "postgresql://")
