"""The shapes of v1. A golden file that fails here says that a client would break."""

from datetime import UTC, datetime

import msgspec
import numpy as np
import pytest
from mlopsproj_records.record import FeedbackRecord, PredictionRecord, StoredPrediction
from mlopsproj_serving.http.answers import Prediction, prediction_of, recorded_of
from mlopsproj_serving.http.problems import Problem

CLASSES = ("a", "b", "c", "d", "e", "f", "g")
PROBABILITIES = np.array([0.05, 0.3, 0.1, 0.3, 0.05, 0.15, 0.05], dtype="<f4")
RECORD = PredictionRecord(
    id="019a90f3-8d40-7c3a-8d2f-1a2b3c4d5e6f",
    time=datetime(2026, 11, 17, 9, 30, tzinfo=UTC),
    model="letters",
    version=3,
    top_k=(("b", 0.25), ("d", 0.25), ("f", 0.125), ("c", 0.125), ("a", 0.0625)),
    probabilities=PROBABILITIES.tobytes(),
    embedding=b"",
    ood_score=0.5,
    statistics={"width": 3, "mode": "RGB"},
    latency_ms={"infer": 1.5},
    request_id="request",
    image_sha256="0" * 64,
)

GOLDEN = (
    b'{"id":"019a90f3-8d40-7c3a-8d2f-1a2b3c4d5e6f","model":"letters","version":3,'
    b'"predictions":[{"class":"b","probability":0.25},{"class":"d","probability":0.25}],'
    b'"ood_score":0.5}'
)


def test_a_prediction_of_v1_is_written_like_this_for_ever():
    """May gain fields at its end; then, and only then, add them here."""
    assert msgspec.json.encode(prediction_of(RECORD, None, 2)) == GOLDEN


def test_a_prediction_of_v1_keeps_its_schema():
    _, shapes = msgspec.json.schema_components([Prediction])

    assert shapes["Prediction"]["required"] == [
        *("id", "model", "version", "predictions", "ood_score"),
    ]
    kinds = {
        name: {key: value for key, value in schema.items() if key != "description"}
        for name, schema in shapes["Prediction"]["properties"].items()
    }
    assert kinds == {
        "id": {"type": "string"},
        "model": {"type": "string"},
        "version": {"type": "integer", "minimum": 1},
        "predictions": {"type": "array", "items": {"$ref": "#/$defs/ClassProbability"}},
        "ood_score": {"type": "number"},
    }
    assert shapes["ClassProbability"]["required"] == ["class", "probability"]


def test_a_problem_keeps_its_fields():
    problem = Problem(type="t", title="T", status=422, detail="D", request_id="r")

    assert msgspec.json.encode(problem) == (
        b'{"type":"t","title":"T","status":422,"detail":"D","request_id":"r"}'
    )
    item = msgspec.structs.replace(problem, index=0, filename="f")
    assert msgspec.json.encode(item).endswith(b',"index":0,"filename":"f"}')


@pytest.mark.parametrize("top_k", [1, 3, 5])
def test_the_first_classes_are_those_of_the_record(top_k):
    prediction = prediction_of(RECORD, CLASSES, top_k)

    assert [each.class_ for each in prediction.predictions] == ["b", "d", "f", "c", "a"][:top_k]


@pytest.mark.parametrize("top_k", [6, 7, 8, 10**9 - 1])
def test_further_classes_are_told_from_the_probabilities(top_k):
    predictions = prediction_of(RECORD, CLASSES, top_k).predictions

    assert [each.class_ for each in predictions] == ["b", "d", "f", "c", "a", "e", "g"][:top_k]
    assert [each.probability for each in predictions] == pytest.approx(
        sorted(PROBABILITIES.tolist(), reverse=True)[:top_k]
    )


def test_where_the_classes_are_not_known_those_of_the_record_are_all():
    assert len(prediction_of(RECORD, None, 7).predictions) == 5


def test_what_is_recorded_is_told_without_what_is_of_no_use_to_a_client():
    told = msgspec.json.decode(msgspec.json.encode(recorded_of(StoredPrediction(RECORD, None))))

    assert told == {
        "id": RECORD.id,
        "model": "letters",
        "version": 3,
        "predictions": [
            {"class": name, "probability": probability} for name, probability in RECORD.top_k
        ],
        "ood_score": 0.5,
        "time": "2026-11-17T09:30:00Z",
        "request_id": "request",
        "image_sha256": "0" * 64,
        "image_url": None,
        "statistics": {"width": 3, "mode": "RGB"},
        "latency_ms": {"infer": 1.5},
        "shadow_of": None,
        "feedback": None,
    }


def test_the_latest_feedback_is_told():
    feedback = FeedbackRecord("i", RECORD.id, "d", "anna", RECORD.time)

    told = recorded_of(StoredPrediction(RECORD, feedback)).feedback

    assert (told.label, told.actor, told.time) == ("d", "anna", RECORD.time)
