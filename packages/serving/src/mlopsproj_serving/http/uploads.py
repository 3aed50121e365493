"""What the body of a request to predict holds: its images, whichever way they were sent.

Three ways: the bytes of one image, multipart/form-data with a file for each, or JSON with base64.
Knows nothing of how the body came, nor of what an image is.
"""

import asyncio
from dataclasses import dataclass
from typing import Annotated

import msgspec
from mlopsproj_core.errors import ImageError
from msgspec import Meta

from mlopsproj_serving.http.bodies import decode_json
from mlopsproj_serving.http.multipart import Part, boundary_of, parts_of
from mlopsproj_serving.http.problem_kinds import INVALID, MEDIA, TOO_MANY_IMAGES
from mlopsproj_serving.http.problems import ProblemError

LARGE_BYTES = 256 * 1024
"""JSON from this size on is decoded outside the event loop, where it would hold up the others."""

Base64 = Annotated[
    str,
    Meta(
        description="An image file in base64 (RFC 4648, section 4), with padding, without line"
        " breaks.",
        extra_json_schema={"format": "byte", "contentEncoding": "base64"},
    ),
]


class ImageBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One image as JSON; the answer is a prediction."""

    image: Base64


class ImagesBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Several images as JSON; the answer is a list."""

    images: Annotated[list[Base64], Meta(description="In the order of the answers.", min_length=1)]


# The same, with each image as it stands in the JSON: it is decoded by itself and fails by itself.
class _Json(msgspec.Struct, forbid_unknown_fields=True):
    image: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    images: list[msgspec.Raw] | msgspec.UnsetType = msgspec.UNSET


# The last is what `curl --data-binary @FILE` says of any file unless it is told.
_RAW = frozenset({"", "application/octet-stream", "application/x-www-form-urlencoded"})

_json = msgspec.json.Decoder(_Json)
_base64 = msgspec.json.Decoder(bytes)


@dataclass(frozen=True, slots=True)
class Upload:
    """The images of a request.

    Attributes:
        images: encoded, or why there is none.
        filenames: that the client gave, one for each image.
        several: whether the answer is a list.
    """

    images: list[bytes | ImageError]
    filenames: list[str | None]
    several: bool


async def upload_of(content_type: str, body: bytes, *, most: int) -> Upload:
    """Find the images in a body.

    Args:
        content_type: value of the header, empty if there is none.
        body: all of it.
        most: images that there may be.

    Raises:
        ProblemError: if the type is none of the three, or the body is not of its type, empty, or
            holds more images.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if kind.startswith("image/") or kind in _RAW:
        if not body:
            raise ProblemError(INVALID, "The body is empty: send the bytes of an image.")
        return Upload([body], [None], several=False)
    if kind == "multipart/form-data":
        return _of_parts(parts_of(body, boundary_of(content_type), most=most))
    if kind == "application/json":
        if len(body) < LARGE_BYTES:
            return _of_json(body, most)
        return await asyncio.to_thread(_of_json, body, most)
    raise ProblemError(
        MEDIA,
        f'A body of type "{kind[:100]}" is not read: send the bytes of an image as image/* or'
        f" application/octet-stream, files as multipart/form-data, or JSON with base64.",
        headers={
            "Accept-Post": "image/*, application/octet-stream, multipart/form-data,"
            " application/json"
        },
    )


def _of_parts(parts: list[Part]) -> Upload:
    if not parts:
        raise ProblemError(INVALID, "The form holds no file: send at least one.")
    for part in parts:
        if part.filename is None and (part.content_type or "text/plain").startswith("text/"):
            raise ProblemError(
                INVALID,
                f'The field "{part.name}" of the form is no file: give each image a filename'
                " (curl: -F file=@FILE), and settings such as top_k in the query.",
            )
    return Upload(
        [part.content for part in parts],
        [part.filename for part in parts],
        several=len(parts) > 1,
    )


def _of_json(body: bytes, most: int) -> Upload:
    # Base64 has no commas. Decoded, a body that is full of them would take fifty times its size;
    # twice as many as there may be images leave room for the `data:…,` that fails by itself.
    if body.count(b",") > 2 * most:
        raise _too_many("more images than the", most)
    sent = decode_json(_json, body)
    if (sent.image is msgspec.UNSET) == (sent.images is msgspec.UNSET):
        raise ProblemError(
            INVALID,
            'Send either {"image": "…"} for one image, or {"images": ["…", …]} for several.',
        )
    if isinstance(sent.image, msgspec.Raw):
        return Upload([_image(sent.image)], [None], several=False)
    assert isinstance(sent.images, list)  # noqa: S101 (one of the two is set)
    if not sent.images:
        raise ProblemError(INVALID, 'The list "images" is empty: send at least one.')
    if len(sent.images) > most:
        raise _too_many(f"{len(sent.images)} images of", most)
    return Upload([_image(raw) for raw in sent.images], [None] * len(sent.images), several=True)


def _too_many(has: str, most: int) -> ProblemError:
    return ProblemError(
        TOO_MANY_IMAGES,
        f"The request has {has} {most} that it may have: send them in several requests.",
    )


def _image(raw: msgspec.Raw) -> bytes | ImageError:
    try:
        return _base64.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ImageError(
            "The image is no text in base64: use the standard alphabet (+ and /), with padding and"
            " without line breaks or a `data:` prefix."
        )
