"""The shapes of v1: what is answered, field by field. v1 may add fields and never changes one.

Knows nothing of routes, nor of how an answer came about.
"""

from datetime import datetime
from typing import Annotated

import msgspec
import numpy as np
from mlopsproj_records.record import FeedbackRecord, PredictionRecord, StoredPrediction
from msgspec import Meta

Probability = Annotated[float, Meta(description="0 to 1.", ge=0, le=1)]
PredictionId = Annotated[str, Meta(description="Of the prediction, a UUID that carries its time.")]
ClassName = Annotated[str, Meta(description="Of a class.")]


class ClassProbability(msgspec.Struct, frozen=True):
    """How probable one class is."""

    class_: ClassName = msgspec.field(name="class")
    probability: Probability


class Prediction(msgspec.Struct, frozen=True):
    """What a version of a model says of one image."""

    id: PredictionId
    model: Annotated[str, Meta(description="Name of the model that answered.")]
    version: Annotated[int, Meta(description="Its version.", ge=1)]
    predictions: Annotated[
        list[ClassProbability], Meta(description="The most probable classes, the best first.")
    ]
    ood_score: Annotated[
        float, Meta(description="Larger is farther from the images that the model learnt from.")
    ]


class Feedback(msgspec.Struct, frozen=True):
    """What was said to be the true class of an image."""

    label: ClassName
    actor: Annotated[str, Meta(description="Who says so.")]
    time: Annotated[datetime, Meta(description="When, in UTC.")]


class RecordedPrediction(msgspec.Struct, frozen=True):
    """A prediction as it is recorded."""

    id: PredictionId
    model: Annotated[str, Meta(description="Name of the model that answered.")]
    version: Annotated[int, Meta(description="Its version.", ge=1)]
    predictions: Annotated[
        list[ClassProbability],
        Meta(description="The most probable classes, five at most, the best first."),
    ]
    ood_score: Annotated[
        float, Meta(description="Larger is farther from the images that the model learnt from.")
    ]
    time: Annotated[datetime, Meta(description="When it was made, in UTC.")]
    request_id: Annotated[str, Meta(description="Of the request that brought the image.")]
    image_sha256: Annotated[str, Meta(description="Of the bytes of the image, hexadecimal.")]
    image_url: Annotated[
        str | None, Meta(description="Where the image is kept; null if it is not, or not yet.")
    ]
    statistics: Annotated[
        dict[str, int | float | str], Meta(description="Of the image: size, brightness and so on.")
    ]
    latency_ms: Annotated[
        dict[str, float], Meta(description="Milliseconds by stage: queue, decode, infer.")
    ]
    shadow_of: Annotated[
        str | None,
        Meta(description="The answered prediction that this one was made to compare with; or null"),
    ]
    feedback: Annotated[
        Feedback | None, Meta(description="The latest that was given; null if none was.")
    ]


def prediction_of(
    record: PredictionRecord, classes: tuple[str, ...] | None, top_k: int
) -> Prediction:
    """The answer that a record was made for.

    Args:
        record: of the image.
        classes: of the version that predicted, in the order of its outputs; None if they are not
            known, and then as many are named as the record names.
        top_k: classes to name, at least 1; all there are if there are fewer.
    """
    ranking = record.top_k[:top_k]
    if top_k > len(ranking) and classes is not None and len(classes) > len(ranking):
        probabilities = np.frombuffer(record.probabilities, "<f4")
        order = np.argsort(-probabilities, kind="stable")[:top_k]
        ranking = tuple((classes[index], float(probabilities[index])) for index in order)
    return Prediction(record.id, record.model, record.version, _classes(ranking), record.ood_score)


def recorded_of(stored: StoredPrediction) -> RecordedPrediction:
    """All that may be told of a prediction later."""
    record = stored.record
    return RecordedPrediction(
        id=record.id,
        model=record.model,
        version=record.version,
        predictions=_classes(record.top_k),
        ood_score=record.ood_score,
        time=record.time,
        request_id=record.request_id,
        image_sha256=record.image_sha256,
        image_url=record.image_url,
        statistics=record.statistics,
        latency_ms=record.latency_ms,
        shadow_of=record.shadow_of,
        feedback=None if stored.feedback is None else _feedback(stored.feedback),
    )


def _classes(ranking: tuple[tuple[str, float], ...]) -> list[ClassProbability]:
    return [ClassProbability(name, probability) for name, probability in ranking]


def _feedback(record: FeedbackRecord) -> Feedback:
    return Feedback(record.label, record.actor, record.time)
