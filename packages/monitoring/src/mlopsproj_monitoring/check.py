"""Windows held against a reference: one answer for all detectors, at the alarm rate asked for.

Knows nothing of databases, and of where the window comes from.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from mlopsproj_core.errors import DataError

from mlopsproj_monitoring.calibration import Calibration
from mlopsproj_monitoring.changes import Change
from mlopsproj_monitoring.config import DriftConfig
from mlopsproj_monitoring.detectors.contrast import Contrast
from mlopsproj_monitoring.detectors.panel import panel
from mlopsproj_monitoring.evidence import (
    DISTRIBUTIONS,
    LABELS,
    Evidence,
    of_distributions,
    of_labels,
    of_rare_values,
)
from mlopsproj_monitoring.false_discovery import q_values
from mlopsproj_monitoring.features.feature_map import (
    CORRECTNESS,
    WHITENED,
    Correctness,
    FeatureMap,
)
from mlopsproj_monitoring.halves import halves
from mlopsproj_monitoring.quality import MINIMUM_LABELS, Share, share
from mlopsproj_monitoring.reference import Reference
from mlopsproj_monitoring.sample import Sample
from mlopsproj_monitoring.sums import WindowSums
from mlopsproj_monitoring.verdict import DetectorResult, DriftCheck
from mlopsproj_monitoring.window import Window


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
        accuracy: Callable[[float, int], Share] | None = None,
    ) -> None:
        """Fit what the detectors look at.

        Args:
            reference: of the model.
            config: of the checks; the defaults if it is None.
            correctness: gives `(N,)`, the chance of each image that its answer is right; without
                it no accuracy is estimated.
            accuracy: gives the accuracy of a window with its interval, by the mean of these chances
                and the number of images (`CorrectnessModel.accuracy`); without it the interval is
                that of the counting alone.
        """
        self.reference, self.config = reference, config or DriftConfig()
        sample = reference.sample
        self._accuracy = accuracy or _counted
        self.class_numbers = {name: place for place, name in enumerate(reference.classes)}
        self.features = FeatureMap.fit(sample, correctness=correctness, seed=self.config.seed)
        self._sums = self.accumulator()
        self._sums.add(sample)
        self._second = self.accumulator()
        self._second.add(sample.take(halves(sample.ids)))
        vectors = self.features.vectors(sample)
        self._detectors = panel(self.features, vectors)
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
            DataError: if it is another model's, or was summed by another detector.
        """
        if isinstance(window, Sample):
            sums = self.accumulator()
            sums.add(window)
        else:
            sums = window.sums if isinstance(window, Window) else window
        if sums.features is not self.features:
            raise DataError(
                "The window was summed by another detector, whose reference is another one: read it"
                " again with the detector that checks it."
            )
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
        evidence = self._evidence(sums, has_labels=answer.labelled >= MINIMUM_LABELS)
        p_value = min(each.p_value for each in evidence)
        results = _with_q_values([result for each in evidence for result in each.results])
        counts = [counts for each in evidence for counts in each.counts]
        alpha = self.config.alpha
        is_drift = p_value <= alpha and any(
            result.drifted and counts for result, counts in zip(results, counts, strict=True)
        )
        results = [
            replace(result, drifted=is_drift and counts and _is_reason(result, alpha))
            for result, counts in zip(results, counts, strict=True)
        ]
        return replace(
            answer,
            verdict="drift" if is_drift else "no drift",
            p_value=p_value,
            detectors=tuple(results),
            changed=self._changed(results, sums),
        )

    def _evidence(self, sums: WindowSums, *, has_labels: bool) -> list[Evidence]:
        for_labels = LABELS if has_labels else 0.0
        found = [
            of_rare_values(
                self.features.events,
                sums,
                self._second,
                config=self.config,
                weight=(1 - for_labels) * (1 - DISTRIBUTIONS),
            )
        ]
        if self._detectors:  # else all images of the reference are alike
            distributions = of_distributions(
                self._detectors,
                self._contrast(sums),
                self._calibration.at(len(sums)),
                config=self.config,
                weight=(1 - for_labels) * DISTRIBUTIONS,
                reference_images=len(self.reference),
            )
            found.insert(0, distributions)
        if has_labels:
            found.append(of_labels(sums, self._sums, config=self.config, weight=for_labels))
        return found

    def _contrast(self, sums: WindowSums) -> Contrast:
        halves = sums.half_means[:, self._whitened] - self._sums.half_means[:, self._whitened]
        return Contrast(
            window=sums.means[None],
            reference=self._sums.means[None],
            halves=halves[None],
            scale=np.sqrt([1 / len(sums) + 1 / len(self._sums)]),
        )

    def _estimated_accuracy(self, sums: WindowSums) -> Share | None:
        block = self.features.blocks.get(CORRECTNESS)
        if block is None or not len(sums):
            return None
        return self._accuracy(float(sums.vectors[:, block].sum()) / len(sums), len(sums))

    def _changed(self, results: Sequence[DetectorResult], sums: WindowSums) -> tuple[str, ...]:
        drifted = sorted((each for each in results if each.drifted), key=lambda each: each.p_value)
        return tuple(
            words
            for each in drifted
            for words in Change(each.name, each.effect).words(
                sums, self._sums, self.reference.classes
            )
        )


def _counted(chance: float, images: int) -> Share:
    return share(chance * images, images)


def _is_reason(result: DetectorResult, alpha: float) -> bool:
    return result.drifted or (result.q_value is not None and result.q_value <= alpha)


def _with_q_values(results: list[DetectorResult]) -> list[DetectorResult]:
    """With the false-discovery rate held over the univariate family."""
    places = [place for place, each in enumerate(results) if each.family == "univariate"]
    adjusted = q_values(np.array([results[place].p_value for place in places]))
    for place, q_value in zip(places, adjusted.tolist(), strict=True):
        results[place] = replace(results[place], q_value=q_value)
    return results
