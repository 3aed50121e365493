"""What the OpenAPI document shows as examples of answers. Knows nothing of any route."""

from datetime import UTC, datetime

from mlopsproj_core.errors import ImageError

from mlopsproj_serving.http.answers import (
    ClassProbability,
    Feedback,
    Prediction,
    RecordedPrediction,
)
from mlopsproj_serving.http.problems import Problem, problem_of

REQUEST_ID = "9f3c2b7e5d1a4c60b8e7f0a1d2c3b4a5"
_TIME = datetime(2026, 11, 17, 9, 30, tzinfo=UTC)

PREDICTION = Prediction(
    id="019a90f3-8d40-7c3a-8d2f-1a2b3c4d5e6f",
    model="fashion",
    version=3,
    predictions=[ClassProbability("Sneaker", 0.97), ClassProbability("Sandal", 0.02)],
    ood_score=0.31,
)

RECORDED = RecordedPrediction(
    id=PREDICTION.id,
    model=PREDICTION.model,
    version=PREDICTION.version,
    predictions=PREDICTION.predictions,
    ood_score=PREDICTION.ood_score,
    time=_TIME,
    request_id=REQUEST_ID,
    image_sha256="9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    image_url=None,
    statistics={"width": 100, "height": 100, "mode": "RGB", "brightness": 0.62},
    latency_ms={"queue": 0.1, "decode": 0.4, "infer": 1.3},
    shadow_of=None,
    feedback=Feedback(label="Sandal", actor="phone/anna", time=_TIME),
)

BAD_IMAGE_IN_A_LIST: Problem = problem_of(
    ImageError("2 bytes starting with b'no' are no image that can be read."),
    request_id=REQUEST_ID,
    index=1,
    filename="notes.txt",
)

IMAGE_BASE64 = "R0lGODlhAQABAIAAAP///wAAACwAAAAAAQABAAACAkQBADs="  # a GIF of one white pixel
