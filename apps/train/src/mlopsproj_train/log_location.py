"""Where the prediction log lies that confirmed predictions come from, as the environment says.

Knows nothing of what is read there.
"""

from typing import TYPE_CHECKING

from mlopsproj_core.settings import Settings
from mlopsproj_data.config import DataConfig, uses_feedback

if TYPE_CHECKING:
    from mlopsproj_data.labelling.log_location import LogLocation


class LogSettings(Settings):
    """The environment variables of the prediction log.

    Attributes:
        database_url: `MLOPSPROJ_DATABASE_URL`.
        image_log_url: `MLOPSPROJ_IMAGE_LOG_URL`, where the images are now.
    """

    database_url: str = "sqlite:///mlopsproj.db"
    image_log_url: str | None = None


def log_for(config: DataConfig) -> "LogLocation | None":
    """The prediction log, for data that asks for confirmed predictions; None for other data."""
    if not uses_feedback(config):
        return None
    from mlopsproj_data.labelling.log_location import LogLocation  # databases are slow to import

    settings = LogSettings()
    return LogLocation(settings.database_url, settings.image_log_url)
