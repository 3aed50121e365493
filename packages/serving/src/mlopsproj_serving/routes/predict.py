"""`POST /v1/predict`: what the model sees in images.

The one route that is asked all the time: an ASGI application of its own, found before FastAPI looks
for a route, since its handling of routes, parameters and results costs more than all that happens
here. FastAPI has the route as well, for the document and for other methods.
"""

import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl
from uuid import uuid4

import msgspec
from fastapi import FastAPI, Response
from fastapi.routing import APIRoute
from mlopsproj_core.errors import ImageError, MlopsprojError, OverloadedError

from mlopsproj_serving.http.answers import Prediction, prediction_of
from mlopsproj_serving.http.bodies import read_body
from mlopsproj_serving.http.departure import Departure
from mlopsproj_serving.http.examples import BAD_IMAGE_IN_A_LIST, IMAGE_BASE64, PREDICTION
from mlopsproj_serving.http.holding import HeldBytes, Holding
from mlopsproj_serving.http.openapi import example, json_answer, problems, ref
from mlopsproj_serving.http.problem_kinds import (
    BAD_IMAGE,
    DEADLINE,
    INVALID,
    MALFORMED,
    MEDIA,
    NO_MODEL,
    NOT_DURABLE,
    OVERLOADED,
    SLOW,
    TOO_LARGE,
    TOO_MANY,
    TOO_MANY_IMAGES,
    UNAUTHORIZED,
)
from mlopsproj_serving.http.problems import (
    ClientGoneError,
    Problem,
    ProblemError,
    error_response,
    problem_of,
    request_id_of,
)
from mlopsproj_serving.http.uploads import ImageBody, ImagesBody, Upload, upload_of

if TYPE_CHECKING:
    from mlopsproj_records.record import PredictionRecord
    from starlette.types import ASGIApp, Receive, Scope, Send

    from mlopsproj_serving.config import Limits
    from mlopsproj_serving.http.callers import Callers
    from mlopsproj_serving.service import Service

SHAPES = (Prediction, Problem, ImageBody, ImagesBody)
PATH = "/v1/predict"
TOP_K = 5
"""Classes that are named unless more or fewer are asked for."""

_DIGITS = 9
_WAIT = re.compile(
    rb"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,9}(?:\.\d{1,9})?)\"?\s*(?:[,;]|$)", re.IGNORECASE
)
_encode = msgspec.json.Encoder().encode


async def predict() -> None:
    """Say what the model sees in one image or several.

    Send one image as its bytes, files as multipart/form-data under any names, or JSON with base64.
    One image is answered with a prediction or a problem. Several, which is what a form with more
    than one file and the list `images` are, are answered with 200 and a list in their order, whose
    items are a prediction or a problem: a bad image fails alone. All images of a request are
    answered by the same version of the model.
    """


class Shortcut:
    """A layer of the application that answers this route itself and passes on all others."""

    def __init__(self, app: "ASGIApp", *, route: APIRoute) -> None:
        """Before an application.

        Args:
            app: that answers the others.
            route: told to whoever asks which one matched.
        """
        self._app = app
        self._route = route
        self._held = HeldBytes()

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Answer a request."""
        if scope["type"] != "http" or scope["path"] != PATH or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        scope["route"] = self._route
        service: Service = scope["app"].state.service
        try:
            with Holding(self._held, service.config.limits.held_bytes) as holding:
                found = await _answer(scope, receive, holding)
        except ClientGoneError:
            return
        except MlopsprojError as error:
            await error_response(error, request_id=request_id_of(scope))(scope, receive, send)
            return
        content = _encode(found)
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [
                    (b"content-type", b"application/json"),
                    (b"content-length", str(len(content)).encode()),
                ],
            }
        )
        await send({"type": "http.response.body", "body": content})


async def _answer(
    scope: "Scope", receive: "Receive", holding: Holding
) -> Prediction | list[Prediction | Problem]:
    """What one request is answered with.

    Raises:
        MlopsprojError: if there is no answer.
        ClientGoneError: if nobody waits for one.
    """
    state = scope["app"].state
    callers: Callers = state.callers
    service: Service = state.service
    callers.admit(scope)
    top_k = _top_k(scope["query_string"])
    content_type, deadline_seconds = _headers(scope, service.config.limits.deadline_seconds)
    try:
        upload = await _upload(scope, receive, service.config.limits, content_type, holding)
    except ProblemError as error:
        state.metrics.refused("images" if error.kind is TOO_MANY_IMAGES else "body")
        raise
    except OverloadedError:
        state.metrics.refused("queue")
        raise
    with Departure(receive):
        return await _predicted(
            service, upload, top_k, request_id_of(scope) or str(uuid4()), deadline_seconds
        )


async def _upload(
    scope: "Scope", receive: "Receive", limits: "Limits", content_type: str, holding: Holding
) -> Upload:
    """The images of a request; its body is not kept beside them."""
    body = await read_body(scope, receive, limits, holding=holding)
    return await upload_of(content_type, body, most=limits.images)


async def _predicted(
    service: "Service", upload: Upload, top_k: int, request_id: str, deadline_seconds: float
) -> Prediction | list[Prediction | Problem]:
    images = [image for image in upload.images if isinstance(image, bytes)]
    # The version that `predict` takes, too: nothing is awaited in between.
    model = service.current
    classes = None if model is None else model.manifest.classes
    computed = iter(
        await service.predict(images, request_id=request_id, deadline_seconds=deadline_seconds)
        if images
        else ()
    )
    outcomes: list[PredictionRecord | MlopsprojError] = [
        image if isinstance(image, ImageError) else next(computed) for image in upload.images
    ]
    if not upload.several:
        (only,) = outcomes
        if isinstance(only, MlopsprojError):
            raise only
        return prediction_of(only, classes, top_k)
    return [
        problem_of(outcome, request_id=request_id, index=index, filename=filename)
        if isinstance(outcome, MlopsprojError)
        else prediction_of(outcome, classes, top_k)
        for index, (outcome, filename) in enumerate(zip(outcomes, upload.filenames, strict=True))
    ]


def _headers(scope: "Scope", most_seconds: float) -> tuple[str, float]:
    """The content type, and the seconds that the client waits (RFC 7240, `Prefer: wait=SECONDS`).

    A preference that cannot be honoured is no error (section 2): the limit counts then.
    """
    content_type, seconds = "", most_seconds
    for name, value in scope["headers"]:
        if name == b"content-type":
            content_type = value.decode("latin-1")
        elif name == b"prefer":
            match = _WAIT.search(value)
            if match is not None:
                seconds = min(float(match[1]), most_seconds)
    return content_type, seconds


def _top_k(query: bytes) -> int:
    if not query:
        return TOP_K
    given = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    unknown = [name for name, _ in given if name != "top_k"]
    if unknown:
        raise ProblemError(
            INVALID, f'There is no parameter "{unknown[0][:100]}" of the query: only top_k.'
        )
    if len(given) != 1:
        raise ProblemError(INVALID, f"top_k is given {len(given)} times: give it once.")
    value = given[0][1]
    if not (value.isascii() and value.isdigit() and len(value) <= _DIGITS and int(value) > 0):
        raise ProblemError(
            INVALID, f'"{value[:100]}" is no usable top_k: give a whole number from 1 on.'
        )
    return int(value)


_ANSWERS = json_answer(
    "What the model sees.",
    {
        "anyOf": [
            ref(Prediction),
            {"type": "array", "items": {"anyOf": [ref(Prediction), ref(Problem)]}},
        ]
    },
    one=example(PREDICTION, "One image"),
    several=example([PREDICTION, BAD_IMAGE_IN_A_LIST], "Several images, one of them bad"),
)
_FILES = {"type": "string", "format": "binary"}
_BODY = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "minProperties": 1,
                "properties": {"file": _FILES},
                "additionalProperties": {"anyOf": [_FILES, {"type": "array", "items": _FILES}]},
            }
        },
        "image/*": {"schema": _FILES},
        "application/octet-stream": {"schema": _FILES},
        "application/json": {
            "schema": {"anyOf": [ref(ImageBody), ref(ImagesBody)]},
            "examples": {
                "one": example({"image": IMAGE_BASE64}, "One image"),
                "several": example({"images": [IMAGE_BASE64, IMAGE_BASE64]}, "Several images"),
            },
        },
    },
}
_PARAMETERS = [
    {
        "name": "top_k",
        "in": "query",
        "description": "Classes to name; all of them if there are fewer.",
        "schema": {"type": "integer", "minimum": 1, "maximum": 10**_DIGITS - 1, "default": TOP_K},
        "example": 3,
    },
    {
        "name": "Prefer",
        "in": "header",
        "description": "`wait=SECONDS` (RFC 7240): drop what is not begun to be computed by then;"
        " fractions are understood. The service has a limit of its own; the lesser counts.",
        "schema": {"type": "string"},
        "example": "wait=0.5",
    },
]


def add_to(app: FastAPI) -> None:
    """Let an application answer it; before layers are added that its answers are to pass."""
    route = APIRoute(
        PATH,
        predict,
        methods=["POST"],
        tags=["predictions"],
        response_class=Response,
        responses={
            200: _ANSWERS,
            **problems(
                MALFORMED,
                UNAUTHORIZED,
                SLOW,
                TOO_LARGE,
                TOO_MANY_IMAGES,
                MEDIA,
                INVALID,
                BAD_IMAGE,
                TOO_MANY,
                OVERLOADED,
                DEADLINE,
                NO_MODEL,
                NOT_DURABLE,
            ),
        },
        openapi_extra={"parameters": _PARAMETERS, "requestBody": _BODY},
    )
    app.router.routes.append(route)
    app.add_middleware(Shortcut, route=route)
