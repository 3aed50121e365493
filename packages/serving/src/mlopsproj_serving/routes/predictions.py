"""`GET /v1/predictions/{id}`: what was predicted, and what was said of it since."""

from typing import TYPE_CHECKING

import msgspec
from fastapi import APIRouter, Request, Response
from mlopsproj_records.identifiers import time_of

from mlopsproj_serving.http.answers import RecordedPrediction, recorded_of
from mlopsproj_serving.http.examples import RECORDED
from mlopsproj_serving.http.openapi import example, json_answer, problems, ref
from mlopsproj_serving.http.problem_kinds import DATABASE, NOT_FOUND, TOO_MANY, UNAUTHORIZED
from mlopsproj_serving.http.problems import ProblemError

if TYPE_CHECKING:
    from mlopsproj_records.log import PredictionLog
    from mlopsproj_records.record import StoredPrediction

    from mlopsproj_serving.lookups import Lookups

SHAPES = (RecordedPrediction,)

router = APIRouter(tags=["predictions"])


@router.get(
    "/v1/predictions/{id}",  # noqa: FAST003 (as a parameter, FastAPI would document a 422 for it)
    response_class=Response,
    responses={
        200: json_answer(
            "The prediction.",
            ref(RecordedPrediction),
            prediction=example(RECORDED, "A prediction with feedback"),
        ),
        **problems(UNAUTHORIZED, NOT_FOUND, TOO_MANY, DATABASE),
    },
    openapi_extra={
        "parameters": [
            {
                "name": "id",
                "in": "path",
                "required": True,
                "description": "Of the prediction.",
                "schema": {"type": "string"},
                "example": RECORDED.id,
            }
        ]
    },
)
async def prediction(request: Request) -> Response:
    """Show a prediction as it is recorded, with the latest feedback.

    A prediction that was just answered can be asked for at once, from any process of the service.
    """
    request.app.state.callers.admit(request.scope)
    stored = await find(request, request.path_params["id"])
    return Response(msgspec.json.encode(recorded_of(stored)), media_type="application/json")


async def find(request: Request, id: str) -> "StoredPrediction":  # noqa: A002 (a field's name)
    """A prediction in the log.

    Raises:
        ProblemError: if there is none, or no log.
        DatabaseAwayError: if the database is away.
    """
    log: PredictionLog | None = request.app.state.service.log
    if log is None:
        raise ProblemError(
            NOT_FOUND, "This service keeps no predictions: its log is off (MLOPSPROJ_API_LOG=0)."
        )
    # What `uuid7` never made is not asked for: it may hold what a database does not take.
    lookups: Lookups = request.app.state.lookups
    stored = None if time_of(id) is None else await lookups.prediction(log, id)
    if stored is None:
        raise ProblemError(
            NOT_FOUND,
            f'There is no prediction "{id[:100]}": give the id of an answer; old ones may have been'
            " removed.",
        )
    return stored
