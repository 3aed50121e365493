"""Three kinds of evidence for drift, each with its part of alpha.

Differences of distributions are held against draws from the reference; rare values and true labels
have exact tests. Knows nothing of which of them are there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from mlopsproj_monitoring.calibration import NullDistribution
from mlopsproj_monitoring.config import DriftConfig
from mlopsproj_monitoring.detectors.contrast import Contrast
from mlopsproj_monitoring.detectors.detector import Detector
from mlopsproj_monitoring.detectors.panel import family_of
from mlopsproj_monitoring.power import level_seen, samples_needed
from mlopsproj_monitoring.quality import fall_p_value
from mlopsproj_monitoring.rare_values import rare_p_value
from mlopsproj_monitoring.sums import WindowSums
from mlopsproj_monitoring.verdict import DetectorResult

DISTRIBUTIONS: Final = 0.9
"""Part of alpha for distributions; the rest is for rare values, which hardly ever use it up."""

LABELS: Final = 0.5
"""Part of alpha for labels where there are enough; the other two share the rest."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """Tests that share a part of alpha.

    Attributes:
        results: of each test; `drifted` says that it alone suffices.
        counts: whether the effect of each is as large as one that matters.
        p_value: chance that so small a p-value is among them, divided by their part of alpha.
    """

    results: tuple[DetectorResult, ...]
    counts: tuple[bool, ...]
    p_value: float


def of_distributions(
    detectors: Sequence[Detector],
    contrast: Contrast,
    null: NullDistribution,
    *,
    config: DriftConfig,
    weight: float,
    reference_images: int,
) -> Evidence:
    """What the calibrated detectors say.

    Args:
        detectors: that look.
        contrast: of the window.
        null: for windows of its size, by the same detectors.
        config: of the check.
        weight: their part of alpha.
        reference_images: n.
    """
    scale = float(contrast.scale[0])
    statistics = np.array([each.statistics(contrast)[0] for each in detectors]) / scale
    p_values = null.p_values(statistics)
    limit = null.threshold_p_value(weight * config.alpha)
    thresholds = null.thresholds(limit)
    results, counts = [], []
    for place, detector in enumerate(detectors):
        smallest = detector.statistic_of(config.minimum_effect)
        growth, noise, spread = detector.growth, float(null.noise[place]), float(null.spread[place])
        effect = detector.effect(contrast)
        results.append(
            DetectorResult(
                name=detector.name,
                family=detector.family,
                statistic=float(statistics[place] * scale),
                effect=effect,
                effect_unit=detector.effect_unit,
                p_value=float(p_values[place]),
                q_value=None,
                threshold=float(thresholds[place] * scale),
                samples_needed=samples_needed(
                    max(growth.signal(float(statistics[place]), noise) * scale, smallest),
                    growth.needed(level_seen(float(thresholds[place]), spread), noise),
                    reference_images,
                ),
                drifted=bool(p_values[place] <= limit),
            )
        )
        counts.append(detector.share(effect) >= config.minimum_effect)
    p_value = null.family_p_value(float(p_values.min())) / weight
    return Evidence(tuple(results), tuple(counts), min(1.0, p_value))


def of_rare_values(
    events: Sequence[str],
    window: WindowSums,
    reference: WindowSums,
    *,
    config: DriftConfig,
    weight: float,
) -> Evidence:
    """What is said by values that the reference hardly shows.

    Args:
        events: their names.
        window: its sums.
        reference: sums of those of its images from which was not learnt what is rare.
        config: of the check.
        weight: their part of alpha.
    """
    images, rows = len(window), len(reference)
    results = []
    for name, seen, before in zip(
        events, window.events.tolist(), reference.events.tolist(), strict=True
    ):
        p_value = rare_p_value(seen, images, before, rows)
        results.append(
            _exact(
                name,
                statistic=seen / images,
                effect=max(0.0, seen / images - before / rows),
                p_value=p_value,
                drifted=p_value * len(events) <= weight * config.alpha,
            )
        )
    smallest = min(result.p_value for result in results)
    counts = tuple(result.effect >= config.minimum_effect for result in results)
    return Evidence(tuple(results), counts, min(1.0, smallest * len(events) / weight))


def of_labels(
    window: WindowSums, reference: WindowSums, *, config: DriftConfig, weight: float
) -> Evidence:
    """What true labels say of the accuracy.

    Args:
        window: its sums, at least one image with its label among them.
        reference: sums of the reference.
        config: of the check.
        weight: their part of alpha.
    """
    labelled, rows = int(window.labelled.sum()), len(reference)
    p_value = fall_p_value(window.correct, labelled, reference.correct, rows)
    accuracy = window.correct / labelled
    result = _exact(
        "accuracy",
        statistic=accuracy,
        effect=max(0.0, reference.correct / rows - accuracy),
        p_value=p_value,
        drifted=p_value <= weight * config.alpha,
    )
    counts = (result.effect >= config.minimum_effect,)
    return Evidence((result,), counts, min(1.0, p_value / weight))


def _exact(
    name: str, *, statistic: float, effect: float, p_value: float, drifted: bool
) -> DetectorResult:
    """Of an exact test, which has no threshold that holds for its statistic alone."""
    is_accuracy = name == "accuracy"
    return DetectorResult(
        name=name,
        family="quality" if is_accuracy else family_of(name),
        statistic=statistic,
        effect=effect,
        effect_unit="accuracy" if is_accuracy else "share of images",
        p_value=p_value,
        q_value=None,
        threshold=None,
        samples_needed=None,
        drifted=drifted,
    )
