"""How likely an answer is right, from what the model said: learnt from images whose label is known.

Learnt from clean images and spoilt ones, since what is calibrated on clean images alone is too sure
of others (Tomani et al. 2021, arXiv:2012.10988). Knows nothing of windows.
"""

from dataclasses import dataclass
from typing import Final, Literal, Self

import numpy as np
import numpy.typing as npt
from mlopsproj_core.bundle import PERTURBED, REFERENCE, Bundle
from mlopsproj_evaluation import Perturbed, read_reference
from mlopsproj_evaluation.robustness.outcomes import CLEAN
from mlopsproj_evaluation.tables import corrupt, matrix
from scipy.special import expit

from mlopsproj_monitoring.estimation.features import DistanceScale, answer_features
from mlopsproj_monitoring.estimation.logistic import fit_logistic, with_intercept
from mlopsproj_monitoring.sample import Sample

Array = npt.NDArray[np.float64]

CLEAN_SHARE: Final = 0.5
"""Of all weight: of what a service sees most is as it should be."""

FEWEST_OUTCOMES: Final = 5
"""Of right and of wrong answers each: from fewer nothing is learnt."""

_SURE_ONLY = 1

LearntFrom = Literal["spoilt images", "clean images", "nothing"]


@dataclass(frozen=True, eq=False)
class CorrectnessModel:
    """Gives the chance that an answer is right.

    Attributes:
        learnt_from: "spoilt images" and clean ones; "clean images" alone, where the bundle has no
            others: then only how sure the model is counts; "nothing" where hardly an answer was
            wrong, or right: then the largest probability itself is the chance.
        scale: of the out-of-distribution score.
        centre: `(F,)` mean of the features that are used; further ones are not.
        spread: `(F,)` their deviation on clean images.
        low: `(F,)` smallest that it was learnt from: less counts as this.
        high: `(F,)` largest.
        coefficients: `(1 + F,)`: intercept and one for each feature.
    """

    learnt_from: LearntFrom
    scale: DistanceScale
    centre: Array
    spread: Array
    low: Array
    high: Array
    coefficients: Array

    @classmethod
    def fit(
        cls,
        probabilities: npt.NDArray[np.floating],
        ood_score: npt.NDArray[np.floating],
        correct: npt.NDArray[np.bool_],
        clean: npt.NDArray[np.bool_],
    ) -> Self:
        """Learn from answers whose outcome is known.

        Args:
            probabilities: `(N, K)`.
            ood_score: `(N,)`.
            correct: `(N,)`: whether the most probable class was right.
            clean: `(N,)`: whether the image was as it should be; at least one was.
        """
        scale = DistanceScale.of(np.asarray(ood_score, dtype=np.float64)[clean])
        learnt_from: LearntFrom = "clean images" if clean.all() else "spoilt images"
        if min(int(correct.sum()), int((~correct).sum())) < FEWEST_OUTCOMES:
            learnt_from = "nothing"
        # What lies far from clean images cannot be learnt from them.
        used = None if learnt_from == "spoilt images" else _SURE_ONLY
        features = answer_features(probabilities, ood_score, scale)[:, :used]
        centre, spread = features[clean].mean(axis=0), features[clean].std(axis=0)
        spread = np.where(spread > 0, spread, 1.0)
        if learnt_from == "nothing":
            # Undoes the standardisation: the log odds of the largest probability.
            coefficients = np.array([centre[0], spread[0]])
        else:
            spoilt = max(1, int((~clean).sum()))
            weights = np.where(clean, CLEAN_SHARE / clean.sum(), (1 - CLEAN_SHARE) / spoilt)
            coefficients = fit_logistic((features - centre) / spread, correct, weights)
        low, high = features.min(axis=0), features.max(axis=0)
        if learnt_from == "nothing":
            low, high = np.array([-np.inf]), np.array([np.inf])
        return cls(learnt_from, scale, centre, spread, low, high, coefficients)

    @classmethod
    def read(cls, bundle: Bundle) -> Self:
        """Learn from what a bundle carries: its spoilt images, else its reference.

        Raises:
            BundleCorruptError: if the file that is learnt from is missing, or something else.
        """
        if PERTURBED not in bundle.manifest.files:
            path, kind = bundle.path / REFERENCE, "reference of this bundle"
            table = read_reference(path)
            probabilities, labels = matrix(table["probabilities"]), table["label"].to_numpy()
            ood_score = table["ood_score"].to_numpy()
            clean = np.ones(len(labels), dtype=bool)
        else:
            path, kind = bundle.path / PERTURBED, "answers to spoilt images of this bundle"
            answers = Perturbed.read(path)
            probabilities, labels = answers.probabilities, answers.labels
            ood_score = answers.ood_score
            clean = np.array([name == CLEAN for name in answers.corruptions])
        if probabilities.shape[1] != len(bundle.manifest.classes):
            reason = (
                f"it has {probabilities.shape[1]} probabilities for each image, the manifest"
                f" {len(bundle.manifest.classes)} classes"
            )
            raise corrupt(path, kind, reason)
        if not clean.any():
            raise corrupt(path, kind, "it holds no image as it was")
        return cls.fit(probabilities, ood_score, probabilities.argmax(axis=1) == labels, clean)

    def probability(self, sample: Sample) -> Array:
        """`(N,)` float64, above 0 and below 1: the chance of each answer to be right."""
        return self.probability_of(sample.probabilities, sample.ood_score)

    def probability_of(
        self, probabilities: npt.NDArray[np.floating], ood_score: npt.NDArray[np.floating]
    ) -> Array:
        """The same of columns.

        Args:
            probabilities: `(N, K)`; a row that holds what is no number counts as knowing nothing.
            ood_score: `(N,)`; what is no number counts as usual.
        """
        used = len(self.centre)
        features = answer_features(probabilities, ood_score, self.scale)[:, :used]
        columns = (np.clip(features, self.low, self.high) - self.centre) / self.spread
        return np.asarray(expit(with_intercept(columns) @ self.coefficients))
