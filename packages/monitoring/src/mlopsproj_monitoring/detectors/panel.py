"""Which detectors look at a model, by what its reference can tell. Knows nothing of tests."""

from typing import Final

import numpy as np

from mlopsproj_monitoring.detectors.correctness import CorrectnessDetector
from mlopsproj_monitoring.detectors.detector import Detector, Family
from mlopsproj_monitoring.detectors.embedding_classifier import ClassifierDetector
from mlopsproj_monitoring.detectors.embedding_mmd import KernelDetector
from mlopsproj_monitoring.detectors.mix import MixDetector
from mlopsproj_monitoring.detectors.univariate import NumberDetector
from mlopsproj_monitoring.features.embedding import Floats
from mlopsproj_monitoring.features.feature_map import (
    CLASSES,
    CORRECTNESS,
    KERNEL,
    MODE,
    RARE_CLASSES,
    UNUSUAL_EMBEDDING,
    FeatureMap,
)

_FAMILIES: Final[dict[str, Family]] = {
    "confidence": "prediction",
    "rare confidence": "prediction",
    "ood_score": "ood",
    "rare ood_score": "ood",
    RARE_CLASSES: "prediction",
    UNUSUAL_EMBEDDING: "embedding",
}


def family_of(name: str) -> Family:
    """Of a number, or of an event that is rare in the reference."""
    return _FAMILIES.get(name, "univariate")


def panel(features: FeatureMap, vectors: Floats) -> tuple[Detector, ...]:
    """All detectors for which there is something to look at.

    Args:
        features: of the reference.
        vectors: `(n, width)`, of its rows.
    """
    blocks = features.blocks
    found: list[Detector] = [
        NumberDetector(name, family_of(name), blocks[name]) for name in features.bins
    ]
    if MODE in blocks:
        found.append(MixDetector(MODE, "univariate", blocks[MODE]))
    if CLASSES in blocks:
        found.append(MixDetector(CLASSES, "prediction", blocks[CLASSES]))
    if KERNEL in blocks:
        variance = float(vectors[:, blocks[KERNEL]].var(axis=0, dtype=np.float64).sum())
        found.append(KernelDetector(blocks[KERNEL], variance))
        found.append(ClassifierDetector(features.embedding.components))
    if CORRECTNESS in blocks:
        found.append(CorrectnessDetector(blocks[CORRECTNESS]))
    return tuple(found)
