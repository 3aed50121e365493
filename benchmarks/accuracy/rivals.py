"""What others do to estimate accuracy without labels, from the largest probability alone.

Each is taught with the same answers as ours. Knows nothing of windows.
"""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from mlopsproj_core.outputs import Floats
from mlopsproj_evaluation import Perturbed
from mlopsproj_evaluation.robustness.outcomes import CLEAN

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Rivals:
    """Estimators of the accuracy of a window.

    Attributes:
        accuracy: of clean images.
        confidence: mean of clean images.
        threshold: of ATC (Garg et al. 2022, arXiv:2201.04234): as many clean images are surer as
            are right.
        line: of DoC (Guillory et al. 2021, arXiv:2107.03315): the fall of accuracy from the
            difference of confidences, by least squares over the corruptions it was taught.
    """

    accuracy: float
    confidence: float
    threshold: float
    line: tuple[float, float]

    @classmethod
    def fit(cls, answers: Perturbed) -> "Rivals":
        """Of answers, of which some are to clean images."""
        sure, correct = confidences(answers.probabilities), answers.correct
        clean = np.array(answers.corruptions) == CLEAN
        accuracy, confidence = float(correct[clean].mean()), float(sure[clean].mean())
        groups = defaultdict(list)
        for row, key in enumerate(
            zip(answers.corruptions, answers.severities.tolist(), strict=True)
        ):
            groups[key].append(row)
        differences = [confidence - sure[rows].mean() for rows in groups.values()]
        falls = [accuracy - correct[rows].mean() for rows in groups.values()]
        weights = [len(rows) ** 0.5 for rows in groups.values()]
        slope, start = np.polyfit(differences, falls, 1, w=weights)
        threshold = float(np.quantile(sure[clean], 1 - accuracy))
        return cls(accuracy, confidence, threshold, (float(start), float(slope)))

    def estimates(self, sure: Array) -> dict[str, float]:
        """By name, of a window of so confident answers."""
        difference = self.confidence - float(sure.mean())
        start, slope = self.line
        return {
            "mean confidence": float(sure.mean()),
            "ATC": float((sure > self.threshold).mean()),
            "DoC": self.accuracy - start - slope * difference,
            "DoC, slope 1": self.accuracy - difference,
        }


def confidences(probabilities: Floats) -> Array:
    """`(N,)`: the largest probability of each."""
    return np.asarray(probabilities.max(axis=1), dtype=np.float64)
