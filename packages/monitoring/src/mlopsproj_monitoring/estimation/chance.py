"""The chance of an answer to be right, from what the model said: learnt where the label is known.

Learnt from clean images and spoilt ones, since what is calibrated on clean images alone is too sure
of others (Tomani et al. 2021, arXiv:2012.10988). Knows nothing of windows and files.
"""

from dataclasses import dataclass
from typing import Final, Literal, Self

import numpy as np
import numpy.typing as npt
from mlopsproj_evaluation import Perturbed
from mlopsproj_evaluation.robustness.outcomes import CLEAN
from scipy.special import expit

from mlopsproj_monitoring.estimation.features import Array, Distance, answer_features
from mlopsproj_monitoring.estimation.logistic import fit_logistic, with_intercept

CLEAN_SHARE: Final = 0.5
"""Of all weight, so that what most windows are is calibrated best."""

FEWEST_OUTCOMES: Final = 5
"""Of right and of wrong answers each: from fewer nothing is learnt."""

LearntFrom = Literal["spoilt images", "clean images", "nothing"]


@dataclass(frozen=True, eq=False)
class Chance:
    """Logistic in the features of an answer.

    Attributes:
        learnt_from: "spoilt images" and clean ones; "clean images" alone: then only how sure the
            model is counts, since what lies far out cannot be learnt from them; "nothing" where
            hardly an answer was wrong, or right: then the largest probability is the chance.
        distance: what is usual of the out-of-distribution score.
        centre: `(F,)` mean on clean images of the first features, which are used.
        spread: `(F,)` their deviation.
        low: `(F,)` smallest that it was learnt from: less counts as this.
        high: `(F,)` largest.
        coefficients: `(1 + F,)`: intercept and one for each feature.
    """

    learnt_from: LearntFrom
    distance: Distance
    centre: Array
    spread: Array
    low: Array
    high: Array
    coefficients: Array

    @classmethod
    def fit(cls, answers: Perturbed) -> Self:
        """Learn from answers, of which some are to clean images."""
        clean, correct = is_clean(answers), answers.correct
        distance = Distance.of(answers.ood_score[clean])
        features = answer_features(answers.probabilities, answers.ood_score, distance)
        if min(int(correct.sum()), int((~correct).sum())) < FEWEST_OUTCOMES:
            # Log odds as they are.
            one = np.ones(1)
            everything = one * np.inf
            return cls(
                "nothing", distance, 0 * one, one, -everything, everything, np.array([0.0, 1.0])
            )
        if clean.all():
            features = features[:, :1]
        centre, spread = features[clean].mean(axis=0), features[clean].std(axis=0)
        spread = np.where(spread > 0, spread, 1.0)
        spoilt = max(1, int((~clean).sum()))
        weights = np.where(clean, CLEAN_SHARE / clean.sum(), (1 - CLEAN_SHARE) / spoilt)
        return cls(
            "clean images" if clean.all() else "spoilt images",
            distance,
            centre,
            spread,
            features.min(axis=0),
            features.max(axis=0),
            fit_logistic((features - centre) / spread, correct, weights),
        )

    def of(
        self, probabilities: npt.NDArray[np.floating], ood_score: npt.NDArray[np.floating]
    ) -> Array:
        """`(N,)`, above 0 and below 1.

        Args:
            probabilities: `(N, K)`; a row that holds what is no number counts as knowing nothing.
            ood_score: `(N,)`; what is no number counts as usual.
        """
        features = answer_features(probabilities, ood_score, self.distance)[:, : len(self.centre)]
        columns = (np.clip(features, self.low, self.high) - self.centre) / self.spread
        return np.asarray(expit(with_intercept(columns) @ self.coefficients))


def is_clean(answers: Perturbed) -> npt.NDArray[np.bool_]:
    """`(R,)`: whether the image was as it was."""
    return np.array([name == CLEAN for name in answers.corruptions], dtype=bool)
