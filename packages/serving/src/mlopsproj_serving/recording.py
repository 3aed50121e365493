"""A computed image as its record in the prediction log.

Knows nothing of where the log lies.
"""

import hashlib
from datetime import UTC, datetime

import numpy as np
from mlopsproj_core.manifest import Manifest
from mlopsproj_core.registry import ModelVersion
from mlopsproj_records.identifiers import uuid7
from mlopsproj_records.record import PredictionRecord

from mlopsproj_serving.scheduling.job import Computed

TOP = 5
"""Classes that a record names, beside the probabilities of all."""

_FLOAT32, _FLOAT16 = np.dtype("<f4"), np.dtype("<f2")


def record_of(
    computed: Computed,
    image: bytes,
    *,
    version: ModelVersion,
    manifest: Manifest,
    request_id: str,
    shadow_of: str | None = None,
) -> PredictionRecord:
    """The record of one image, under a new id.

    Args:
        computed: what came out.
        image: as it was sent.
        version: that computed it.
        manifest: of that version.
        request_id: of the request that brought it.
        shadow_of: id of the answered prediction that this one shadows.
    """
    probabilities = computed.probabilities
    best = (-probabilities).argsort(kind="stable")[:TOP]
    classes = manifest.classes
    return PredictionRecord(
        id=uuid7(),
        time=datetime.now(UTC),
        model=version.name,
        version=version.number,
        top_k=tuple(
            [
                (classes[index], probability)
                for index, probability in zip(
                    best.tolist(), probabilities[best].tolist(), strict=True
                )
            ]
        ),
        probabilities=probabilities.astype(_FLOAT32, copy=False).tobytes(),
        embedding=computed.embedding.astype(_FLOAT16).tobytes(),
        ood_score=computed.ood_score,
        statistics=computed.statistics.as_dict(),
        latency_ms=computed.latency_ms,
        request_id=request_id,
        image_sha256=hashlib.sha256(image).hexdigest(),
        shadow_of=shadow_of,
    )
