"""Where the prediction log lies: its database, and the store of its images.

Knows nothing of what is read there.
"""

from dataclasses import dataclass, field

from mlopsproj_core.errors import RecordsError
from mlopsproj_records import Database
from mlopsproj_records.database_url import read_url, shown
from mlopsproj_records.inspection import sqlite_file


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

    def open(self) -> Database:
        """The database, which the caller closes.

        Raises:
            ConfigError: if the URL is none of a database.
            RecordsError: if there is no such file: to read makes none.
        """
        url = read_url(self.database_url)
        if url.get_backend_name() == "sqlite" and not sqlite_file(url).exists():
            raise RecordsError(
                f"There is no prediction log {shown(url)}: name it by MLOPSPROJ_DATABASE_URL."
            )
        return Database(self.database_url)
