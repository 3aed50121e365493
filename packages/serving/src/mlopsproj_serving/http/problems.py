"""Errors as `application/problem+json` (RFC 9457): the one place that knows which kind each is.

Knows nothing of routes, nor of what led to an error.
"""

from http import HTTPStatus
from typing import Annotated, Any

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from mlopsproj_core.errors import (
    BundleError,
    ConfigError,
    DeadlineError,
    GateRefusedError,
    ImageError,
    MlopsprojError,
    NoModelError,
    NotDurableError,
    NotFoundError,
    OverloadedError,
    RecordsError,
    RegistryError,
    StaleError,
    UndecidedError,
)
from msgspec import Meta
from starlette.exceptions import HTTPException

from mlopsproj_serving.http.problem_kinds import (
    BAD_IMAGE,
    CONFLICT,
    DATABASE,
    DEADLINE,
    INTERNAL,
    INVALID,
    MALFORMED,
    MEDIA,
    METHOD,
    NO_MODEL,
    NOT_DURABLE,
    NOT_FOUND,
    OVERLOADED,
    REGISTRY,
    TOO_LARGE,
    UNAUTHORIZED,
    Kind,
)

MEDIA_TYPE = "application/problem+json"
CLIENT_GONE = 499
"""The status that is counted and logged for a client that left before it was answered."""


class Problem(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What went wrong (RFC 9457)."""

    type: Annotated[str, Meta(description="Which kind of problem it is; never changes.")]
    title: Annotated[str, Meta(description="The kind in words, the same every time.")]
    status: Annotated[int, Meta(description="Status of HTTP.", ge=400, le=599)]
    detail: Annotated[
        str, Meta(description="What happened this time, with which value, and how to mend it.")
    ]
    request_id: Annotated[
        str | None,
        Meta(description="Of the request, as in the header `X-Request-ID` and in the log."),
    ] = None
    index: Annotated[
        Annotated[int, Meta(ge=0)] | None,
        Meta(description="Which image of the request it concerns, from 0; only in lists."),
    ] = None
    filename: Annotated[
        str | None, Meta(description="That the client gave that image; only in lists.")
    ] = None


_OF_ERRORS: tuple[tuple[type[MlopsprojError], Kind], ...] = (
    (ImageError, BAD_IMAGE),
    (OverloadedError, OVERLOADED),
    (DeadlineError, DEADLINE),
    (NoModelError, NO_MODEL),
    (NotDurableError, NOT_DURABLE),
    (RecordsError, DATABASE),
    (NotFoundError, NOT_FOUND),
    (StaleError, CONFLICT),
    (GateRefusedError, CONFLICT),
    (UndecidedError, CONFLICT),
    (RegistryError, REGISTRY),
    (BundleError, REGISTRY),
    (ConfigError, INVALID),
)
_OF_STATUSES = {
    kind.status: kind for kind in (MALFORMED, UNAUTHORIZED, NOT_FOUND, METHOD, TOO_LARGE, MEDIA)
}


class ProblemError(MlopsprojError):
    """A request that is answered with a problem of a given kind; stays inside serving."""

    def __init__(self, kind: Kind, detail: str, *, headers: dict[str, str] | None = None) -> None:
        """Say what happened.

        Args:
            kind: of the problem.
            detail: what happened this time, and how to mend it.
            headers: that the answer carries beside its own.
        """
        super().__init__(detail)
        self.kind = kind
        self.headers = headers or {}


class ClientGoneError(Exception):
    """The client left: there is nobody to answer."""


def kind_of(error: Exception) -> Kind:
    """The kind of problem that an error is."""
    if isinstance(error, ProblemError):
        return error.kind
    for type_, kind in _OF_ERRORS:
        if isinstance(error, type_):
            return kind
    return INTERNAL


def problem_of(
    error: MlopsprojError,
    *,
    request_id: str | None = None,
    index: int | None = None,
    filename: str | None = None,
) -> Problem:
    """The problem that tells of an error.

    Args:
        error: that happened.
        request_id: of the request that met it.
        index: of the image in its request, where there may be several.
        filename: of that image.
    """
    kind = kind_of(error)
    return Problem(
        type=kind.type,
        title=kind.title,
        status=kind.status,
        detail=str(error) or kind.title,
        request_id=request_id,
        index=index,
        filename=filename,
    )


def problem_response(problem: Problem, headers: dict[str, str] | None = None) -> Response:
    """The answer that carries a problem.

    Args:
        problem: to be told.
        headers: beside its own.
    """
    return Response(
        msgspec.json.encode(problem),
        status_code=problem.status,
        headers=headers,
        media_type=MEDIA_TYPE,
    )


def error_response(error: MlopsprojError, *, request_id: str | None = None) -> Response:
    """The answer to a request that met an error."""
    headers = dict(error.headers) if isinstance(error, ProblemError) else {}
    after = (
        error.retry_after_seconds
        if isinstance(error, OverloadedError)
        else kind_of(error).retry_after_seconds
    )
    if after is not None:
        headers.setdefault("Retry-After", str(after))
    return problem_response(problem_of(error, request_id=request_id), headers)


def request_id_of(scope: Any) -> str | None:
    """The id that the request of an ASGI scope was given; None if none was."""
    state = scope.get("state")
    return None if state is None else state.get("request_id")


def install(app: FastAPI) -> None:
    """Let every error that an application meets be answered with a problem.

    What is no error of ours nor of HTTP passes through: the edge answers it.
    """

    async def known(request: Request, error: Exception) -> Response:
        assert isinstance(error, MlopsprojError)  # noqa: S101 (that is what it is registered for)
        return error_response(error, request_id=request_id_of(request.scope))

    async def of_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 (that is what it is registered for)
        return await known(request, _of_http(request, error))

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101 (as above)
        wrong = "; ".join(
            f"{'.'.join(str(part) for part in each['loc'])}: {each['msg']}"
            for each in error.errors()
        )
        return await known(request, ProblemError(INVALID, f"{wrong}."))

    async def nobody(_request: Request, _error: Exception) -> Response:
        return Response(status_code=CLIENT_GONE)  # which goes nowhere

    app.add_exception_handler(MlopsprojError, known)
    app.add_exception_handler(ClientGoneError, nobody)
    app.add_exception_handler(HTTPException, of_http)
    app.add_exception_handler(RequestValidationError, invalid)


def _of_http(request: Request, error: HTTPException) -> ProblemError:
    """What Starlette itself refuses: a path, a method, a body that FastAPI cannot read."""
    headers = dict(error.headers or {})
    if error.status_code == NOT_FOUND.status:
        return ProblemError(
            NOT_FOUND, f'There is no "{request.url.path}": /docs shows what there is.'
        )
    if error.status_code == METHOD.status:
        allowed = headers.get("Allow", "another method")
        return ProblemError(
            METHOD, f"{request.method} is not allowed here: use {allowed}.", headers=headers
        )
    kind = _OF_STATUSES.get(error.status_code) or Kind(
        str(error.status_code),
        error.status_code,
        HTTPStatus(error.status_code).phrase,
        "",
        "",
    )
    return ProblemError(kind, str(error.detail), headers=headers)
