"""`POST /v1/feedback`: the true class of an image that was predicted."""

import asyncio
import contextlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import msgspec
from fastapi import APIRouter, Request, Response
from mlopsproj_core.errors import DatabaseAwayError, MigrationError, NotDurableError
from mlopsproj_core.registry import ModelVersion
from mlopsproj_records.identifiers import uuid7
from mlopsproj_records.record import FeedbackRecord
from msgspec import Meta

from mlopsproj_serving.http.answers import ClassName, PredictionId
from mlopsproj_serving.http.bodies import read_json
from mlopsproj_serving.http.openapi import example, json_answer, problems, ref
from mlopsproj_serving.http.problem_kinds import (
    INVALID,
    MALFORMED,
    MEDIA,
    NOT_DURABLE,
    NOT_FOUND,
    SLOW,
    TOO_LARGE,
    TOO_MANY,
    UNAUTHORIZED,
)
from mlopsproj_serving.http.problems import ProblemError
from mlopsproj_serving.routes.predictions import find

if TYPE_CHECKING:
    from mlopsproj_records.log import PredictionLog
    from mlopsproj_records.record import PredictionRecord, StoredPrediction

BODY_BYTES = 16 * 1024
SHOWN = 20
"""Classes that are named to whoever gives another."""
ON_ITS_WAY = timedelta(hours=1)
"""Age until which an image that is not kept yet may still come to be."""
ANONYMOUS = "anonymous"
"""The actor where neither a key nor the body names one."""

# No control characters: PostgreSQL takes no NUL, and a class is a word for people. The end is not
# `$`, which Python's expressions also find before a last newline.
_Word = Annotated[
    str, Meta(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f-\x9f]+(?![\s\S])")
]

router = APIRouter(tags=["predictions"])


class FeedbackBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The true class of an image."""

    prediction_id: Annotated[str, Meta(description="Id of the image's prediction.")]
    label: Annotated[_Word, Meta(description="Its true class.")]
    actor: Annotated[
        _Word | None,
        Meta(description="Who says so; written after the name of the key, where keys are set."),
    ] = None
    new_class: Annotated[
        bool,
        Meta(
            description="Take a label that the model does not know, for a class that it is to"
            " learn. Without it such a label is refused, since most are misspelt."
        ),
    ] = False


class FeedbackAnswer(msgspec.Struct, frozen=True):
    """What became of a feedback."""

    id: Annotated[str, Meta(description="Of the feedback.")]
    prediction_id: PredictionId
    label: ClassName
    actor: Annotated[str, Meta(description="Who says so.")]
    time: Annotated[datetime, Meta(description="When it was taken, in UTC; the latest counts.")]
    checked: Annotated[
        bool, Meta(description="Whether the prediction and its classes were looked up.")
    ]
    image_stored: Annotated[
        bool | None,
        Meta(
            description="Whether the image is kept, to learn from; null while it is on its way, or"
            " not known."
        ),
    ]
    detail: Annotated[str, Meta(description="The same in a sentence, and what to do about it.")]


SHAPES = (FeedbackBody, FeedbackAnswer)

_decoder = msgspec.json.Decoder(FeedbackBody)

_STORED = "The image is kept: the next model can learn from it."
_NOT_STORED = (
    "The label counts in monitoring, and no model can learn from it, since the image is not kept:"
    " MLOPSPROJ_IMAGE_LOG_URL says where images are kept from now on."
)
_ON_ITS_WAY = "The image is on its way to where images are kept: the next model can learn from it."
_UNCHECKED = (
    "The database is away: the label is kept until it is back, and neither the prediction nor the"
    " class was looked up."
)
_UNKNOWN_CLASSES = " The registry did not say which classes the model has: the label is unchecked."

_DETAILS = {True: _STORED, None: _ON_ITS_WAY, False: _NOT_STORED}

_EXAMPLE = FeedbackAnswer(
    id="0198f2c1-8d3f-7b52-9c1e-5a6b7c8d9e0f",
    prediction_id="0198f2c0-4b1e-7c3a-8d2f-1a2b3c4d5e6f",
    label="Sandal",
    actor="phone/anna",
    time=datetime(2026, 11, 17, 9, 30, tzinfo=UTC),
    checked=True,
    image_stored=False,
    detail=_NOT_STORED,
)


@router.post(
    "/v1/feedback",
    status_code=201,
    response_class=Response,
    responses={
        201: json_answer(
            "The label is kept.",
            ref(FeedbackAnswer),
            not_stored=example(_EXAMPLE, "The image is not kept"),
            stored=example(
                msgspec.structs.replace(_EXAMPLE, image_stored=True, detail=_STORED),
                "The image is kept",
            ),
        ),
        202: json_answer(
            "The label is kept, without having been checked: the database is away.",
            ref(FeedbackAnswer),
            unchecked=example(
                msgspec.structs.replace(
                    _EXAMPLE, checked=False, image_stored=None, detail=_UNCHECKED
                ),
                "The database is away",
            ),
        ),
        **problems(
            MALFORMED,
            UNAUTHORIZED,
            NOT_FOUND,
            SLOW,
            TOO_LARGE,
            MEDIA,
            INVALID,
            TOO_MANY,
            NOT_DURABLE,
        ),
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": ref(FeedbackBody),
                    "examples": {
                        "label": {
                            "summary": "A label",
                            "value": {"prediction_id": _EXAMPLE.prediction_id, "label": "Sandal"},
                        },
                        "new_class": {
                            "summary": "A class that the model does not know yet",
                            "value": {
                                "prediction_id": _EXAMPLE.prediction_id,
                                "label": "Clog",
                                "actor": "anna",
                                "new_class": True,
                            },
                        },
                    },
                }
            },
        }
    },
)
async def feedback(request: Request) -> Response:
    """Take the true class of a predicted image; of several, the latest counts."""
    state = request.app.state
    key = state.callers.admit(request.scope)
    sent = await read_json(
        request, _decoder, most=BODY_BYTES, seconds=state.service.config.limits.body_seconds
    )
    image_stored, detail, checked = await _looked_up(request, sent)
    record = FeedbackRecord(
        id=uuid7(),
        prediction_id=sent.prediction_id,
        label=sent.label,
        actor="/".join(name for name in (key, sent.actor) if name) or ANONYMOUS,
        time=datetime.now(UTC),
    )
    await _keep(state.service.log, record)
    state.metrics.feedback(stored=image_stored)
    answer = FeedbackAnswer(
        record.id,
        record.prediction_id,
        record.label,
        record.actor,
        record.time,
        checked=checked,
        image_stored=image_stored,
        detail=detail,
    )
    return Response(
        msgspec.json.encode(answer),
        201 if answer.checked else 202,
        media_type="application/json",
    )


async def _looked_up(request: Request, sent: FeedbackBody) -> tuple[bool | None, str, bool]:
    """Whether the image is kept, what there is to say, and whether the database could be asked.

    Raises:
        ProblemError: if there is no such prediction, or the label is none that may be given.
    """
    try:
        stored = await find(request, sent.prediction_id)
    except (DatabaseAwayError, MigrationError):
        return None, _UNCHECKED, False
    image_stored = _image_stored(request.app.state.service.log, stored.record)
    detail = _DETAILS[image_stored]
    if not await _is_class(request, sent, stored):
        detail += _UNKNOWN_CLASSES
    return image_stored, detail, True


def _image_stored(log: "PredictionLog", record: "PredictionRecord") -> bool | None:
    """Whether the image is kept; None while it may be on its way."""
    if record.image_url is not None:
        return True
    if datetime.now(UTC) - record.time < ON_ITS_WAY and log.keeps_image(record.image_sha256):
        return None
    return False


async def _is_class(request: Request, sent: FeedbackBody, stored: "StoredPrediction") -> bool:
    """Whether the label is one that may be given; false if that cannot be known.

    Raises:
        ProblemError: if it is no class of the model that predicted, nor meant as a new one.
    """
    if sent.new_class:
        return True
    classes = await _classes(request, stored)
    if classes is None:
        return False
    if sent.label not in classes:
        shown = ", ".join(classes[:SHOWN]) + (", …" if len(classes) > SHOWN else "")
        raise ProblemError(
            INVALID,
            f'"{sent.label}" is no class of {stored.record.model}:{stored.record.version}, which'
            f' has {shown}. To teach a new class, send "new_class": true.',
        )
    return True


async def _classes(request: Request, stored: "StoredPrediction") -> tuple[str, ...] | None:
    version = ModelVersion(stored.record.model, stored.record.version)
    state = request.app.state
    current = state.service.current
    if current is not None and current.version == version:
        classes: tuple[str, ...] = current.manifest.classes
        return classes
    registry = getattr(state, "registry", None)
    return None if registry is None else await state.lookups.classes(registry, version)


async def _keep(log: "PredictionLog", record: FeedbackRecord) -> None:
    """Return when a record is durable.

    Raises:
        NotDurableError: if it cannot be.
    """
    loop = asyncio.get_running_loop()
    durable: asyncio.Future[None] = loop.create_future()

    def finish(error: NotDurableError | None) -> None:
        if durable.done():  # since nobody waits any more
            return
        if error is None:
            durable.set_result(None)
        else:
            durable.set_exception(error)

    def done(error: NotDurableError | None) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended, and with it who waited
            loop.call_soon_threadsafe(finish, error)

    log.append(record, done)
    await durable
