"""A time as a person writes it. Knows nothing of what it is for."""

from datetime import UTC, datetime

from mlopsproj_core.errors import ConfigError


def written_time(text: str | None, name: str) -> datetime | None:
    """The time, in UTC; without an offset it is meant so.

    Args:
        text: ISO 8601, a date alone is its first moment; None if nothing was written.
        name: of the flag or key that says it.

    Raises:
        ConfigError: if it is no time.
    """
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (ValueError, OverflowError):  # of a time that is before the first year in UTC
        raise ConfigError(
            f"{name} is {text!r}, which is no time: write 2026-01-31T12:00, or with an offset"
            " 2026-01-31T12:00+01:00."
        ) from None
