"""What is recorded of an answer, and what was said of it later.

The spool and the database hold these. Knows nothing of either.
"""

from dataclasses import dataclass
from datetime import datetime

import msgspec


class PredictionRecord(msgspec.Struct, frozen=True, tag="prediction"):
    """One image's answer.

    Attributes:
        id: uuid7, which the client was told.
        time: UTC, aware.
        model: name in the registry.
        version: number in the registry.
        top_k: class and probability, the best first; five at most.
        probabilities: `(K,)` float32, little-endian, in the order of the manifest's classes.
        embedding: `(D,)` float16, little-endian.
        ood_score: larger is farther from the training data.
        statistics: `ImageStatistics.as_dict()`.
        latency_ms: by stage: `queue`, `decode`, `infer`.
        request_id: shared by the images of one request.
        image_sha256: of the bytes that were sent, hexadecimal.
        image_url: where the image is kept; None while, or because, it is not.
        shadow_of: id of the prediction that was answered, where this one is its shadow's; None
            for one that was answered to a client.
    """

    id: str
    time: datetime
    model: str
    version: int
    top_k: tuple[tuple[str, float], ...]
    probabilities: bytes
    embedding: bytes
    ood_score: float
    statistics: dict[str, int | float | str]
    latency_ms: dict[str, float]
    request_id: str
    image_sha256: str
    image_url: str | None = None
    shadow_of: str | None = None


class FeedbackRecord(msgspec.Struct, frozen=True, tag="feedback"):
    """The true label of a predicted image; of several, the latest by time, then id, counts.

    Attributes:
        id: uuid7.
        prediction_id: of the prediction that it is about.
        label: the true class.
        actor: who says so.
        time: UTC, aware.
    """

    id: str
    prediction_id: str
    label: str
    actor: str
    time: datetime


Record = PredictionRecord | FeedbackRecord


@dataclass(frozen=True, slots=True)
class StoredPrediction:
    """A prediction as the database holds it.

    Attributes:
        record: of the answer.
        feedback: the latest; None if there is none.
    """

    record: PredictionRecord
    feedback: FeedbackRecord | None
