"""What is asked of the database while a request waits: in a thread, and not for long.

Knows nothing of what is asked.
"""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import msgspec
from fastapi import Request, Response
from mlopsproj_core.errors import DatabaseAwayError
from mlopsproj_serving.http.problem_kinds import INVALID
from mlopsproj_serving.http.problems import ProblemError

from mlopsproj_monitor.monitor import Monitor

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

T = TypeVar("T")

THREADS = 4
"""A database that hangs holds up those, and nothing else."""
PATIENCE_SECONDS = 10.0
"""For one question, its wait for a thread included."""


async def ask(request: Request, function: Callable[[], T]) -> T:
    """What a function returns that reads the database.

    Raises:
        DatabaseAwayError: if it does not answer in time, or not at all.
    """
    readers: ThreadPoolExecutor = request.app.state.readers
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await asyncio.get_running_loop().run_in_executor(readers, function)
    except TimeoutError:
        raise DatabaseAwayError(
            f"The database did not answer within {PATIENCE_SECONDS:g} s: try again later."
        ) from None


def monitor_of(request: Request) -> Monitor:
    """The monitor that a request is for."""
    monitor: Monitor = request.app.state.monitor
    return monitor


def json_of(shape: msgspec.Struct) -> Response:
    """An answer."""
    return Response(msgspec.json.encode(shape), media_type="application/json")


def number(request: Request, name: str, *, most: int) -> int | None:
    """A whole number of a query, 1 to `most`; None if it is not there.

    Raises:
        ProblemError: if it is something else.
    """
    text = request.query_params.get(name)
    if text is None:
        return None
    digits = text.lstrip("0")
    is_number = text.isascii() and digits.isdigit() and len(digits) <= len(str(most))
    if not is_number or int(digits) > most:
        raise ProblemError(INVALID, f'"{text[:50]}" is no usable {name}: give 1 to {most:,}.')
    return int(digits)


def text(request: Request, name: str, *, most: int = 200) -> str | None:
    """A text of a query; None if it is not there.

    Raises:
        ProblemError: if it is empty, too long, or holds what cannot be printed.
    """
    value = request.query_params.get(name)
    if value is None:
        return None
    if not value or len(value) > most or not value.isprintable():
        raise ProblemError(INVALID, f"{name} is no usable text: give 1 to {most} characters.")
    return value
