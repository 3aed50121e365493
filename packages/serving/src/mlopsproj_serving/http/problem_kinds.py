"""Every kind of problem that an answer may tell: its status of HTTP, and what mends it.

Knows nothing of what leads to one.
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
        example: of a detail.
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
    "No API key came with the request: send `Authorization: Bearer KEY`.",
    "Send a key that the service knows, as `Authorization: Bearer KEY` or `X-API-Key`.",
)
NOT_FOUND = Kind(
    "not-found",
    404,
    "There is no such thing",
    'There is no "/v1/predicts".',
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
    "The body had not arrived after 30 s.",
    "Send the body faster, or give it more time by the service's `…_BODY_SECONDS`.",
)
CONFLICT = Kind(
    "conflict",
    409,
    "The registry refuses",
    "The alias moved meanwhile: look again.",
    "Look where the alias points, or what the gates found, and ask again.",
)
DECIDED = Kind(
    "decided",
    409,
    "It is decided already",
    "The retraining is declined already by ada.",
    "Nothing: somebody else was first.",
)
TOO_LARGE = Kind(
    "too-large",
    413,
    "The request is too large",
    "The body has 40,000,000 bytes of 33,554,432.",
    "Send fewer or smaller images, or raise `MLOPSPROJ_API_MAX_BODY_BYTES`.",
)
TOO_MANY_IMAGES = Kind(
    "images",
    413,
    "Too many images",
    "The request has 65 images of 64 that it may have.",
    "Send fewer in one request, or raise `MLOPSPROJ_API_MAX_IMAGES`.",
)
MEDIA = Kind(
    "media-type",
    415,
    "The content type is not supported",
    'A body of type "text/plain" is no image: send multipart/form-data, image/* or JSON.',
    "Send multipart/form-data, an image type or JSON, and name it in `Content-Type`.",
)
INVALID = Kind(
    "invalid",
    422,
    "The request is not valid",
    '"0" is no usable top_k: give 1 or more.',
    "Correct the value that `detail` names.",
)
BAD_IMAGE = Kind(
    "image",
    422,
    "The image cannot be used",
    "The bytes are no image of a known format.",
    "Send a whole image file of a known format, not larger than the limits.",
)
TOO_MANY = Kind(
    "rate",
    429,
    "Too many requests",
    "More than 600 requests a minute came from you.",
    "Ask again later, or raise `MLOPSPROJ_API_REQUESTS_PER_MINUTE`.",
    1,
)
INTERNAL = Kind(
    "internal",
    500,
    "Internal error",
    "The service failed: its log says more under the request id.",
    "Look for `request_id` in the log of the service.",
)
OVERLOADED = Kind(
    "overloaded",
    503,
    "Too much is waiting",
    "256 images are waiting of 256 that may.",
    "Ask again; if it happens often, add workers or machines.",
    1,
)
DEADLINE = Kind(
    "deadline",
    503,
    "The time ran out",
    "The image waited longer than the request's time.",
    "Ask again, with fewer images at once or a longer `Prefer: wait=SECONDS`.",
    1,
)
NO_MODEL = Kind(
    "no-model",
    503,
    "No model is loaded",
    "No model is loaded yet.",
    "Ask again; if it stays so, promote a version, and read `/readyz`.",
    5,
)
NOT_DURABLE = Kind(
    "not-durable",
    503,
    "The answer cannot be kept",
    "The disk is full and the database away.",
    "Make room on the disk of the spool, or bring the database back.",
    5,
)
DATABASE = Kind(
    "database",
    503,
    "The database is away",
    "The database does not answer.",
    "Start the database, or correct `MLOPSPROJ_DATABASE_URL`.",
    5,
)
UNCHECKED = Kind(
    "unchecked",
    503,
    "Nothing is checked for drift",
    "No bundle has been published yet.",
    "Train and publish a model; the monitor takes it up by itself.",
    5,
)
REGISTRY = Kind(
    "registry",
    503,
    "The registry cannot be used",
    "It cannot be reached.",
    "See that `MLOPSPROJ_REGISTRY_URL` is right and can be reached; `doctor` tries it.",
    5,
)

# The first that fits counts.
