"""Windows held against a reference: one answer for all detectors, at the alarm rate asked for.

Knows nothing of databases, and of where the window comes from.
"""

from dataclasses import dataclass, replace

import numpy as np

from mlopsproj_monitoring.calibration import Calibration
from mlopsproj_monitoring.changes import Change
from mlopsproj_monitoring.config import DriftConfig
from mlopsproj_monitoring.detectors.contrast import Contrast
from mlopsproj_monitoring.detectors.correctness import CorrectnessDetector
from mlopsproj_monitoring.detectors.detector import Detector, Family
from mlopsproj_monitoring.detectors.embedding_classifier import ClassifierDetector
from mlopsproj_monitoring.detectors.embedding_mmd import KernelDetector
from mlopsproj_monitoring.detectors.mix import MixDetector
from mlopsproj_monitoring.detectors.univariate import NumberDetector
from mlopsproj_monitoring.false_discovery import q_values
from mlopsproj_monitoring.features.feature_map import (
    CLASSES,
    CORRECTNESS,
    KERNEL,
    MODE,
    RARE_CLASSES,
    UNUSUAL_EMBEDDING,
    WHITENED,
    Correctness,
    FeatureMap,
)
from mlopsproj_monitoring.power import samples_needed
from mlopsproj_monitoring.quality import MINIMUM_LABELS, Share, fall_p_value, share
from mlopsproj_monitoring.rare_values import rare_p_value
from mlopsproj_monitoring.reference import Reference
from mlopsproj_monitoring.sample import Sample
from mlopsproj_monitoring.sums import WindowSums
from mlopsproj_monitoring.verdict import DetectorResult, DriftCheck
from mlopsproj_monitoring.window import Window

_FAMILIES: dict[str, Family] = {
    "confidence": "prediction",
    "rare confidence": "prediction",
    "ood_score": "ood",
    "rare ood_score": "ood",
    RARE_CLASSES: "prediction",
    UNUSUAL_EMBEDDING: "embedding",
}

_DISTRIBUTION, _RARE, _LABELS = 0.9, 0.1, 0.5
"""Of alpha: for calibrated detectors and rare values; half of both once there are labels."""


@dataclass(frozen=True)
class _Part:
    """Tests that share a part of alpha.

    Attributes:
        results: of each.
        p_value: that so small a p-value is among them by chance.
        weight: their part of alpha.
    """

    results: tuple[DetectorResult, ...]
    p_value: float
    weight: float

    @property
    def adjusted(self) -> float:
        """What of all parts the smallest is held against alpha."""
        return min(1.0, self.p_value / self.weight)


class DriftDetector:
    """Holds windows against one reference. Any thread may use it.

    Attributes:
        reference: of the model.
        config: of the checks.
        class_numbers: the number of each class by its name.
        features: what the detectors look at.
    """

    def __init__(
        self,
        reference: Reference,
        config: DriftConfig | None = None,
        *,
        correctness: Correctness | None = None,
    ) -> None:
        """Fit what the detectors look at.

        Args:
            reference: of the model.
            config: of the checks; the defaults if it is None.
            correctness: gives `(N,)`, the chance of each image that its answer is right; without
                it no accuracy is estimated.
        """
        self.reference, self.config = reference, config or DriftConfig()
        sample = reference.sample
        self.class_numbers = {name: place for place, name in enumerate(reference.classes)}
        self.features = FeatureMap.fit(sample, correctness=correctness, seed=self.config.seed)
        self._sums = self.accumulator()
        self._sums.add(sample)
        vectors = self.features.vectors(sample)
        self._detectors = _detectors(self.features, vectors)
        self._whitened = self.features.blocks.get(WHITENED, slice(0, 0))
        self._calibration = Calibration(
            vectors,
            self._whitened,
            self._detectors,
            draws=self.config.draws,
            seed=self.config.seed,
        )

    def accumulator(self) -> WindowSums:
        """Sums of no image yet, for windows that are to be checked."""
        return WindowSums(self.features, classes=len(self.reference.classes))

    def check(self, window: Window | WindowSums | Sample) -> DriftCheck:
        """Hold a window against the reference.

        The first check of a size takes a second or two, later ones milliseconds.

        Args:
            window: of the log; or images, or their sums by this detector's `accumulator`.

        Raises:
            DataError: if it is another model's.
        """
        if isinstance(window, Sample):
            sums = self.accumulator()
            sums.add(window)
        else:
            sums = window.sums if isinstance(window, Window) else window
        labelled = int(sums.labelled.sum())
        answer = DriftCheck(
            verdict="not enough data",
            p_value=None,
            alpha=self.config.alpha,
            images=len(sums),
            labelled=labelled,
            reference_images=len(self.reference),
            detectors=(),
            estimated_accuracy=self._estimated_accuracy(sums),
            accuracy=share(sums.correct, labelled) if labelled else None,
            reference_accuracy=share(self._sums.correct, len(self._sums)),
            changed=(),
        )
        if isinstance(window, Window):
            answer = replace(answer, since=window.since, until=window.until, notes=window.notes)
        if len(sums) < self.config.minimum_images:
            return answer
        return self._judged(answer, sums)

    def _judged(self, answer: DriftCheck, sums: WindowSums) -> DriftCheck:
        alpha = self.config.alpha
        label_weight = _LABELS if answer.labelled >= MINIMUM_LABELS else 0.0
        parts = [
            self._distribution(sums, (1 - label_weight) * _DISTRIBUTION),
            self._rare(sums, (1 - label_weight) * _RARE),
        ]
        if label_weight:
            parts.append(self._accuracy(sums, label_weight))
        p_value = min(part.adjusted for part in parts)
        results = _with_q_values([result for part in parts for result in part.results])
        counts = {result.name: self._counts(result) for result in results}
        is_drift = p_value <= alpha and any(
            result.drifted and counts[result.name] for result in results
        )
        results = [
            replace(
                result,
                drifted=is_drift
                and counts[result.name]
                and (result.drifted or (result.q_value is not None and result.q_value <= alpha)),
            )
            for result in results
        ]
        return replace(
            answer,
            verdict="drift" if is_drift else "no drift",
            p_value=p_value,
            detectors=tuple(results),
            changed=self._changed(results, sums),
        )

    def _distribution(self, sums: WindowSums, weight: float) -> _Part:
        contrast = self._contrast(sums)
        scale = float(contrast.scale[0])
        null = self._calibration.at(len(sums))
        statistics = np.array([each.statistics(contrast)[0] for each in self._detectors])
        p_values = null.p_values(statistics / scale)
        limit = null.threshold_p_value(weight * self.config.alpha)
        thresholds = null.thresholds(limit)
        results = []
        for place, detector in enumerate(self._detectors):
            signal = null.signal(place, statistics[place] / scale) * scale
            signal = max(signal, detector.statistic_of(self.config.minimum_effect))
            results.append(
                DetectorResult(
                    name=detector.name,
                    family=detector.family,
                    statistic=float(statistics[place]),
                    effect=detector.effect(contrast),
                    effect_unit=detector.effect_unit,
                    p_value=float(p_values[place]),
                    q_value=None,
                    threshold=float(thresholds[place] * scale),
                    samples_needed=samples_needed(
                        signal,
                        float(thresholds[place]),
                        float(null.spread[place]),
                        len(self.reference),
                    ),
                    drifted=bool(p_values[place] <= limit),
                )
            )
        return _Part(tuple(results), null.family_p_value(float(p_values.min())), weight)

    def _rare(self, sums: WindowSums, weight: float) -> _Part:
        images, rows = len(sums), len(self.reference)
        events = self.features.events
        limit = weight * self.config.alpha / len(events)
        results = []
        for name, seen, before in zip(
            events, sums.events.tolist(), self._sums.events.tolist(), strict=True
        ):
            p_value = rare_p_value(seen, images, before, rows)
            results.append(
                DetectorResult(
                    name=name,
                    family=_FAMILIES.get(name, "univariate"),
                    statistic=seen / images,
                    effect=max(0.0, seen / images - before / rows),
                    effect_unit="share of images",
                    p_value=p_value,
                    q_value=None,
                    threshold=None,
                    samples_needed=None,
                    drifted=p_value <= limit,
                )
            )
        smallest = min(result.p_value for result in results)
        return _Part(tuple(results), min(1.0, smallest * len(events)), weight)

    def _accuracy(self, sums: WindowSums, weight: float) -> _Part:
        labelled, rows = int(sums.labelled.sum()), len(self._sums)
        p_value = fall_p_value(sums.correct, labelled, self._sums.correct, rows)
        accuracy = sums.correct / labelled
        result = DetectorResult(
            name="accuracy",
            family="quality",
            statistic=accuracy,
            effect=max(0.0, self._sums.correct / rows - accuracy),
            effect_unit="accuracy",
            p_value=p_value,
            q_value=None,
            threshold=None,
            samples_needed=None,
            drifted=p_value <= weight * self.config.alpha,
        )
        return _Part((result,), p_value, weight)

    def _contrast(self, sums: WindowSums) -> Contrast:
        halves = sums.half_means[:, self._whitened] - self._sums.half_means[:, self._whitened]
        return Contrast(
            window=sums.means[None],
            reference=self._sums.means[None],
            halves=halves[None],
            scale=np.sqrt([1 / len(sums) + 1 / len(self._sums)]),
        )

    def _counts(self, result: DetectorResult) -> bool:
        """Whether an effect is as large as one that matters."""
        for detector in self._detectors:
            if detector.name == result.name:
                return detector.share(result.effect) >= self.config.minimum_effect
        return result.effect >= self.config.minimum_effect

    def _estimated_accuracy(self, sums: WindowSums) -> Share | None:
        block = self.features.blocks.get(CORRECTNESS)
        if block is None or not len(sums):
            return None
        return share(float(sums.vectors[:, block].sum()), len(sums))

    def _changed(self, results: list[DetectorResult], sums: WindowSums) -> tuple[str, ...]:
        drifted = sorted((each for each in results if each.drifted), key=lambda each: each.p_value)
        changes = [Change(each.name, each.family, each.effect) for each in drifted]
        return tuple(
            words
            for change in changes
            for words in change.words(sums, self._sums, self.reference.classes)
        )


def _detectors(features: FeatureMap, vectors: np.ndarray) -> tuple[Detector, ...]:
    blocks = features.blocks
    found: list[Detector] = [
        NumberDetector(name, _FAMILIES.get(name, "univariate"), blocks[name])
        for name in features.bins
    ]
    if MODE in blocks:
        found.append(MixDetector(MODE, "univariate", blocks[MODE]))
    if CLASSES in blocks:
        found.append(MixDetector(CLASSES, "prediction", blocks[CLASSES]))
    if KERNEL in blocks:
        variance = float(vectors[:, blocks[KERNEL]].var(axis=0, dtype=np.float64).sum())
        found += [KernelDetector(blocks[KERNEL], variance), ClassifierDetector()]
    if CORRECTNESS in blocks:
        found.append(CorrectnessDetector(blocks[CORRECTNESS]))
    return tuple(found)


def _with_q_values(results: list[DetectorResult]) -> list[DetectorResult]:
    """With the false-discovery rate held over the univariate family."""
    places = [place for place, each in enumerate(results) if each.family == "univariate"]
    adjusted = q_values(np.array([results[place].p_value for place in places]))
    for place, q_value in zip(places, adjusted.tolist(), strict=True):
        results[place] = replace(results[place], q_value=q_value)
    return results
