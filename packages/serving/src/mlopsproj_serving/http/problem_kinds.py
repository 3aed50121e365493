"""Every kind of problem that an answer may tell: its status of HTTP, and what mends it.

A detail is worded where its problem arises: in `bodies.py`, `uploads.py`, `multipart.py`,
`callers.py`, `problems.py` and `edge.py` beside this file, in the routes, or as the text of an
error of ours. The examples are such details, word for word; tests let each of them arise. Knows
nothing of what leads to one.
"""

from dataclasses import dataclass

_TYPE = "urn:mlopsproj:problem:"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem.

    Attributes:
        slug: the last part of its type.
        status: of HTTP.
        title: in words.
        example: of a detail, as it is sent.
        mend: what the client, or whoever runs the service, does about it.
        retry_after_seconds: after which the same request may succeed; None if it will not.
    """

    slug: str
    status: int
    title: str
    example: str
    mend: str
    retry_after_seconds: int | None = None

    @property
    def type(self) -> str:
        """The URI that names it."""
        return _TYPE + self.slug


MALFORMED = Kind(
    "malformed",
    400,
    "The body cannot be read",
    "The multipart body ends before its last boundary: send all of it.",
    "Send all of the body, as its content type says that it is.",
)
UNAUTHORIZED = Kind(
    "unauthorized",
    401,
    "A key is needed",
    "No API key came with the request: send `Authorization: Bearer KEY` or `X-API-Key: KEY` with a"
    " key that whoever runs the service gave you.",
    "Send a key that the service knows, as `Authorization: Bearer KEY` or `X-API-Key`.",
)
NOT_FOUND = Kind(
    "not-found",
    404,
    "There is no such thing",
    'There is no "/v1/predicts": /docs shows what there is.',
    "Correct the path, the id or the name of the model; `/docs` shows the routes.",
)
METHOD = Kind(
    "method",
    405,
    "The method is not allowed",
    "PUT is not allowed here: use POST.",
    "Use a method that the header `Allow` names.",
)
SLOW = Kind(
    "slow",
    408,
    "The body came too slowly",
    "The body had not arrived after 30 s: send fewer images at a time, or over a faster line.",
    "Send the body faster, or give it more time by the service's `…_BODY_SECONDS`.",
)
CONFLICT = Kind(
    "conflict",
    409,
    "The registry refuses",
    "solar-cells@production was moved meanwhile (move 2, not 1): look at it again.",
    "Look where the alias points, or what the gates found, and ask again.",
)
DECIDED = Kind(
    "decided",
    409,
    "It is decided already",
    "The retraining 019c13f1-8d40-7c3a-8d2f-1a2b3c4d5e6f is declined already by ada: it cannot be"
    " approved any more.",
    "Nothing: somebody else was first.",
)
TOO_LARGE = Kind(
    "too-large",
    413,
    "The request is too large",
    "The body has 40000000 bytes, of 33,554,432 that it may have: send fewer or smaller images.",
    "Send fewer or smaller images, or raise `MLOPSPROJ_API_MAX_BODY_BYTES`.",
)
TOO_MANY_IMAGES = Kind(
    "images",
    413,
    "Too many images",
    "The request has 65 images of 64 that it may have: send them in several requests.",
    "Send fewer in one request, or raise `MLOPSPROJ_API_MAX_IMAGES`.",
)
MEDIA = Kind(
    "media-type",
    415,
    "The content type is not supported",
    'A body of type "text/plain" is not read: send the bytes of an image as image/* or'
    " application/octet-stream, files as multipart/form-data, or JSON with base64.",
    "Send multipart/form-data, an image type or JSON, and name it in `Content-Type`.",
)
INVALID = Kind(
    "invalid",
    422,
    "The request is not valid",
    '"0" is no usable top_k: give a whole number from 1 on.',
    "Correct the value that `detail` names.",
)
BAD_IMAGE = Kind(
    "image",
    422,
    "The image cannot be used",
    "19 bytes starting with b'not an i' are no image that can be read: send JPEG, PNG, WebP, BMP,"
    " TIFF or GIF.",
    "Send a whole image file of a known format, not larger than the limits.",
)
TOO_MANY = Kind(
    "rate",
    429,
    "Too many requests",
    "More than 600 requests a minute came from you: try again in 1 s.",
    "Ask again later, or raise `MLOPSPROJ_API_REQUESTS_PER_MINUTE`.",
    1,
)
INTERNAL = Kind(
    "internal",
    500,
    "Internal error",
    "The service failed: its log says more at the request id.",
    "Look for `request_id` in the log of the service.",
)
OVERLOADED = Kind(
    "overloaded",
    503,
    "Too much is waiting",
    "256 images are inside, of 256 that may be: try again in 1 s.",
    "Ask again; if it happens often, add workers or machines.",
    1,
)
DEADLINE = Kind(
    "deadline",
    503,
    "The time ran out",
    "The image waited for 10.2 s, longer than the request may take: try again later, or allow it"
    " more time.",
    "Ask again, with fewer images at once or a longer `Prefer: wait=SECONDS`.",
    1,
)
NO_MODEL = Kind(
    "no-model",
    503,
    "No model is loaded",
    "No model is loaded yet: try again in a moment.",
    "Ask again; if it stays so, promote a version, and read `/readyz`.",
    5,
)
NOT_DURABLE = Kind(
    "not-durable",
    503,
    "The answer cannot be kept",
    "The record is not kept: the spool /data/spool takes nothing ([Errno 28] No space left on"
    " device), nor does the database: The database sqlite:////data/log.db cannot be used"
    " (OperationalError: unable to open database file): see that it runs and that"
    " MLOPSPROJ_DATABASE_URL names it.",
    "Make room on the disk of the spool, or bring the database back.",
    5,
)
DATABASE = Kind(
    "database",
    503,
    "The database is away",
    "The database sqlite:////data/log.db cannot be used (OperationalError: unable to open database"
    " file): see that it runs and that MLOPSPROJ_DATABASE_URL names it.",
    "Start the database, or correct `MLOPSPROJ_DATABASE_URL`.",
    5,
)
UNCHECKED = Kind(
    "unchecked",
    503,
    "Nothing is checked for drift",
    "The registry gs://models holds no model: make one with `uv run train`.",
    "Train and publish a model; the monitor takes it up by itself.",
    5,
)
REGISTRY = Kind(
    "registry",
    503,
    "The registry cannot be used",
    "The registry gs://models cannot be listed: TimeoutError no answer. Check the URL, your access"
    " and the space that is left.",
    "See that `MLOPSPROJ_REGISTRY_URL` is right and can be reached; `doctor` tries it.",
    5,
)

# The first that fits counts.
