"""What a database's error means: the database is away, or the row is refused, or just try again.

Knows nothing of connections and records.
"""

from mlopsproj_core.errors import DatabaseAwayError
from sqlalchemy import URL
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, SQLAlchemyError

from mlopsproj_records.database_url import shown

# What PostgreSQL says of values, not of itself: data, constraint, and "too large for an index".
_ROW_STATES = {"22", "23", "54"}
_ROLLED_BACK = "40"  # a deadlock, or a transaction that could not be put in an order
# What the drivers say of a Python value that has no place in a database.
_ROW_WORDS = ("binding parameter", "cannot adapt", "could not convert")


def away(url: URL, error: Exception) -> DatabaseAwayError:
    """What is raised when a database cannot be reached, or does not do its work."""
    why = reason(error)
    if url.password:
        why = why.replace(str(url.password), "***")
    return DatabaseAwayError(
        f"The database {shown(url)} cannot be used ({why}): see that it runs and that"
        " MLOPSPROJ_DATABASE_URL names it."
    )


def reason(error: Exception) -> str:
    """What the driver says, in one line, without the values of the row."""
    cause = getattr(error, "orig", None) or error
    return f"{type(cause).__name__}: {' '.join(str(cause).split())}"


def refuses_row(error: Exception) -> bool:
    """Whether an error speaks of the values of a row: the same row will be refused again."""
    if not isinstance(error, DBAPIError):
        return isinstance(error, ValueError | TypeError | OverflowError) and not isinstance(
            error, SQLAlchemyError
        )
    state = getattr(error.orig, "sqlstate", None)
    if state is not None:
        return state[:2] in _ROW_STATES
    return isinstance(error, DataError | IntegrityError) or any(
        words in str(error.orig) for words in _ROW_WORDS
    )


def may_be_repeated(error: Exception) -> bool:
    """Whether the same transaction may succeed at once: on another connection, or after another."""
    return isinstance(error, DBAPIError) and (
        error.connection_invalidated
        or str(getattr(error.orig, "sqlstate", None)).startswith(_ROLLED_BACK)
    )
