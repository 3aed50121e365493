"""The page of errors: each with its exit code, its answer over HTTP, and how it is mended.

Knows nothing of where an error is raised.
"""

import inspect
import re
from collections.abc import Iterator
from typing import Final

from mlopsproj_core import errors
from mlopsproj_core.errors import MlopsprojError
from mlopsproj_serving.http import problem_kinds
from mlopsproj_serving.http.problem_kinds import Kind
from mlopsproj_serving.http.problems import kind_of

from reference_pages.described import UndescribedError, described
from reference_pages.markdown import code, sentence, table

_MEND: Final = re.compile(r"^Mend: (?P<mend>.+?)(?:\n\n|\Z)", re.MULTILINE | re.DOTALL)
_INTRODUCTION: Final = """\
# Errors

A message says what is wrong, with which value, and how to mend it; a command prints it after
`error:` and ends with the code that stands here. The tree tells which error is a kind of which.
"""
_OF_COMMANDS: Final = """\
## In commands and libraries

All of them lie in `mlopsproj_core.errors`. Over HTTP an error is answered with the
[problem](#over-http) that is named.
"""
_OVER_HTTP: Final = """\
## Over HTTP

A problem is told as `application/problem+json`, with `type`, `title`, `status`, `detail` and
`request_id`; `type` is `urn:mlopsproj:problem:` and the name below, and never changes. `detail`
says what happened this time.
"""


def kinds_of_errors() -> Iterator[type[MlopsprojError]]:
    """Every error of the tree, each behind what it is a kind of."""
    yield from _below(MlopsprojError)


def _below(error: type[MlopsprojError]) -> Iterator[type[MlopsprojError]]:
    yield error
    for kind in error.__subclasses__():
        if kind.__module__ == errors.__name__:
            yield from _below(kind)


def kinds_of_problems() -> list[Kind]:
    """Every problem of HTTP, by its status."""
    found = [kind for kind in vars(problem_kinds).values() if isinstance(kind, Kind)]
    return sorted(found, key=lambda kind: (kind.status, kind.slug))


def mend_of(error: type[MlopsprojError]) -> str:
    """How an error is mended, by its docstring.

    Raises:
        UndescribedError: if it does not say.
    """
    found = _MEND.search(inspect.cleandoc(error.__doc__ or ""))
    if found is None:
        raise UndescribedError(f"{error.__name__} does not say how it is mended: add `Mend: …`.")
    return " ".join(found["mend"].split())


def page() -> str:
    """The page.

    Raises:
        UndescribedError: if an error or a problem has no description, or no mend.
    """
    tree = (errors.__doc__ or "").split("\n\n")[1]
    of_commands = [
        (
            code(error.__name__),
            str(error.exit_code),
            _problem(error),
            described((error.__doc__ or "").partition("\n")[0], error.__name__),
            sentence(mend_of(error)),
        )
        for error in kinds_of_errors()
        if error is not MlopsprojError
    ]
    over_http = [
        (
            code(kind.slug),
            str(kind.status),
            f"{kind.title}.",
            sentence(described(kind.mend, f"the problem {kind.slug}")),
            "" if kind.retry_after_seconds is None else f"{kind.retry_after_seconds} s",
        )
        for kind in kinds_of_problems()
    ]
    return "\n".join(
        [
            *(_INTRODUCTION, f"```text\n{tree}\n```\n", _OF_COMMANDS),
            table(("error", "exit code", "problem", "what it is", "mend"), of_commands),
            _OVER_HTTP,
            table(("problem", "status", "what it is", "mend", "`Retry-After`"), over_http),
        ]
    )


def _problem(error: type[MlopsprojError]) -> str:
    return code(kind_of(error("")).slug)
