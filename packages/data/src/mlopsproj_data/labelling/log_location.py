"""Where the prediction log lies, as the environment says: its database, the store of its images.

Knows nothing of what is read there.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mlopsproj_core.errors import RecordsError
from mlopsproj_core.settings import Settings

from mlopsproj_data.config import DataConfig, uses_feedback

if TYPE_CHECKING:
    from mlopsproj_records import Database


class LogSettings(Settings):
    """The environment variables of the prediction log.

    Attributes:
        database_url: `MLOPSPROJ_DATABASE_URL`.
        image_log_url: `MLOPSPROJ_IMAGE_LOG_URL`, where the images are now.
    """

    database_url: str = "sqlite:///mlopsproj.db"
    image_log_url: str | None = None


@dataclass(frozen=True)
class LogLocation:
    """The prediction log of a service.

    Attributes:
        database_url: `sqlite:///file.db` or `postgresql://…`; it may hold a password.
        image_log_url: where the store of the images is now, if that is known: a folder, or what
            fsspec knows. Asked for images that are not at the address under which they were kept.
    """

    database_url: str = field(repr=False)
    image_log_url: str | None = None

    def open(self) -> "Database":
        """The database, which the caller closes.

        Raises:
            ConfigError: if the URL is none of a database.
            RecordsError: if there is no such file: to read makes none.
        """
        # Databases are slow to import, and seldom needed.
        from mlopsproj_records import Database  # noqa: PLC0415
        from mlopsproj_records.database_url import read_url, shown  # noqa: PLC0415
        from mlopsproj_records.inspection import sqlite_file  # noqa: PLC0415

        url = read_url(self.database_url)
        if url.get_backend_name() == "sqlite" and not sqlite_file(url).exists():
            raise RecordsError(
                f"There is no prediction log {shown(url)}: name it by MLOPSPROJ_DATABASE_URL."
            )
        return Database(self.database_url)


def log_location() -> LogLocation:
    """The prediction log of this environment."""
    settings = LogSettings()
    return LogLocation(settings.database_url, settings.image_log_url)


def log_for(config: DataConfig) -> LogLocation | None:
    """The same for data that asks for confirmed predictions; None for other data."""
    return log_location() if uses_feedback(config) else None
