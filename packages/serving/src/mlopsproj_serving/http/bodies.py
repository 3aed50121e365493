"""The body of a request, read within its limits of size and time, and JSON out of it.

Knows nothing of what the body means.
"""

import asyncio
from typing import TypeVar

import msgspec
from starlette.requests import Request
from starlette.types import Receive, Scope

from mlopsproj_serving.config import Limits
from mlopsproj_serving.http.holding import Holding
from mlopsproj_serving.http.problem_kinds import INVALID, MALFORMED, MEDIA, SLOW, TOO_LARGE
from mlopsproj_serving.http.problems import ClientGoneError, ProblemError

_CLOSE = {"Connection": "close"}


Decoded = TypeVar("Decoded")


async def read_body(
    scope: Scope, receive: Receive, limits: Limits, *, holding: Holding | None = None
) -> bytes:
    """Read all of a request's body.

    Args:
        scope: of the request.
        receive: gives its body.
        limits: of a body.
        holding: counts the bytes; they are not counted if None.

    Raises:
        OverloadedError: if there is no memory for more.
        ProblemError: if it is larger than it may be, which its Content-Length tells before any of
            it is read, if it takes too long, or if it is compressed.
        ClientGoneError: if the client leaves before it has sent all.
    """
    for name, value in scope["headers"]:
        if name == b"content-length":
            _check_announced(value, limits.body_bytes)
        elif name == b"content-encoding" and value.strip().lower() not in (b"", b"identity"):
            raise ProblemError(
                MEDIA,
                "A compressed body is not read: images are compressed already. Send it without"
                " Content-Encoding.",
                headers={"Accept-Encoding": "identity"},
            )
    try:
        async with asyncio.timeout(limits.body_seconds):
            return await _read(receive, limits.body_bytes, holding)
    except TimeoutError:
        raise ProblemError(
            SLOW,
            f"The body had not arrived after {limits.body_seconds:g} s: send fewer images at a"
            " time, or over a faster line.",
            headers=_CLOSE,
        ) from None


async def read_json(
    request: Request, decoder: "msgspec.json.Decoder[Decoded]", *, most: int, seconds: float
) -> Decoded:
    """Read a small body of JSON.

    Args:
        request: whose body it is.
        decoder: of the type that it must have.
        most: bytes that it may have.
        seconds: until it must have arrived.

    Raises:
        ProblemError: if it is no JSON, not of the decoder's type, or beyond a limit.
        ClientGoneError: if the client leaves before it has sent all.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise ProblemError(
            MEDIA,
            f'A body of type "{kind[:100]}" is not read: send JSON as application/json.',
            headers={"Accept-Post": "application/json"},
        )
    limits = Limits(body_bytes=most, body_seconds=seconds)
    return decode_json(decoder, await read_body(request.scope, request.receive, limits))


def decode_json(decoder: "msgspec.json.Decoder[Decoded]", body: bytes) -> Decoded:
    """What a body of JSON says.

    Raises:
        ProblemError: if it is no JSON, or not of the decoder's type.
    """
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise ProblemError(INVALID, f"The JSON is not as it should be: {error}.") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ProblemError(MALFORMED, f"The body is no JSON: {error}.") from None


async def _read(receive: Receive, most: int, holding: Holding | None) -> bytes:
    first = await _message(receive, 0, most, holding)
    if not first[1]:
        return first[0]
    pieces, size, more = [first[0]], len(first[0]), True
    while more:
        piece, more = await _message(receive, size, most, holding)
        pieces.append(piece)
        size += len(piece)
    return b"".join(pieces)


async def _message(
    receive: Receive, before: int, most: int, holding: Holding | None
) -> tuple[bytes, bool]:
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientGoneError
    piece: bytes = message.get("body", b"")
    if before + len(piece) > most:
        raise _too_large(f"more than {most:,} bytes", most)
    if holding is not None:
        holding.take(len(piece))
    return piece, message.get("more_body", False)


def _check_announced(content_length: bytes, most: int) -> None:
    if not content_length.isdigit():
        raise ProblemError(MALFORMED, "The Content-Length is no number of bytes.")
    if len(content_length) > 18 or int(content_length) > most:  # noqa: PLR2004 (digits of 64 bits)
        raise _too_large(f"{content_length.decode()[:30]} bytes", most)


def _too_large(size: str, most: int) -> ProblemError:
    return ProblemError(
        TOO_LARGE,
        f"The body has {size}, of {most:,} that it may have: send fewer or smaller images.",
    )
