"""Says what to do where the extra `parquet` is not installed, as in the api's image.

Knows nothing of what is written.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from mlopsproj_core.errors import ConfigError


@contextmanager
def parquet_installed() -> Iterator[None]:
    """Around the imports of a subcommand that reads or writes Parquet.

    Raises:
        ConfigError: if the extra is missing.
    """
    try:
        yield
    except ImportError as error:
        raise ConfigError(
            "Exports and backups need the extra `parquet` of mlopsproj-api, which is not installed"
            " here. Run the command from a clone, `uv run api …`, with the same"
            " MLOPSPROJ_DATABASE_URL."
        ) from error
