"""How often a model is right where nobody says what is right, with an interval.

Learnt from what the bundle carries. Knows nothing of databases and of where a window comes from.
"""

from collections import defaultdict
from dataclasses import dataclass
from typing import Self

import numpy as np
from mlopsproj_core.bundle import PERTURBED, REFERENCE, Bundle
from mlopsproj_core.errors import DataError
from mlopsproj_evaluation import Perturbed, read_reference
from mlopsproj_evaluation.robustness.outcomes import CLEAN
from mlopsproj_evaluation.tables import corrupt, matrix

from mlopsproj_monitoring.estimation.chance import Chance, LearntFrom, is_clean
from mlopsproj_monitoring.estimation.features import Array
from mlopsproj_monitoring.estimation.uncertainty import Uncertainty
from mlopsproj_monitoring.quality import Share
from mlopsproj_monitoring.sample import Sample


@dataclass(frozen=True, eq=False)
class CorrectnessModel:
    """Gives the chance of each answer to be right, and the accuracy of a window.

    Attributes:
        chance: of one answer.
        uncertainty: of a window's accuracy.
    """

    chance: Chance
    uncertainty: Uncertainty

    @classmethod
    def fit(cls, answers: Perturbed) -> Self:
        """Learn from answers whose labels are known.

        How far the estimate may be off is seen on every family of corruptions in turn, by a model
        that was taught none of that family.

        Args:
            answers: to images as they were, and to spoilt ones where there are some.

        Raises:
            DataError: if no image is as it was.
        """
        clean = is_clean(answers)
        if not clean.any():
            raise DataError(
                "None of these answers is to an image as it was: give some, since accuracy is told"
                " beside that of clean images."
            )
        chance = Chance.fit(answers)
        usual = float(chance.of(answers.probabilities[clean], answers.ood_score[clean]).mean())
        taught = int(clean.sum())
        if chance.learnt_from != "spoilt images":
            return cls(chance, Uncertainty.assumed(usual, taught))
        estimates, accuracies, images = _unseen(answers)
        errors = estimates - accuracies
        return cls(
            chance,
            Uncertainty.fit(usual, taught, estimates=estimates, errors=errors, images=images),
        )

    @classmethod
    def read(cls, bundle: Bundle) -> Self:
        """Learn from what a bundle carries: its spoilt images, else its reference.

        Raises:
            BundleCorruptError: if the file that is learnt from is missing, or something else.
        """
        if PERTURBED in bundle.manifest.files:
            path, kind = bundle.path / PERTURBED, "answers to spoilt images of this bundle"
            answers = Perturbed.read(path)
        else:
            path, kind = bundle.path / REFERENCE, "reference of this bundle"
            table = read_reference(path)
            rows = len(table)
            try:
                answers = Perturbed(
                    ids=tuple(table["id"].to_pylist()),
                    corruptions=(CLEAN,) * rows,
                    families=(CLEAN,) * rows,
                    severities=np.zeros(rows, np.int8),
                    labels=table["label"].to_numpy(),
                    probabilities=matrix(table["probabilities"]),
                    ood_score=table["ood_score"].to_numpy(),
                )
            except DataError as error:
                raise corrupt(path, kind, error) from error
        found, classes = answers.probabilities.shape[1], len(bundle.manifest.classes)
        if found != classes:
            reason = f"it has {found} probabilities for each image, the manifest {classes} classes"
            raise corrupt(path, kind, reason)
        try:
            return cls.fit(answers)
        except DataError as error:
            raise corrupt(path, kind, error) from error

    @property
    def learnt_from(self) -> LearntFrom:
        """See `Chance`."""
        return self.chance.learnt_from

    def probability(self, sample: Sample) -> Array:
        """`(N,)` float64, above 0 and below 1: the chance of each answer to be right."""
        return self.chance.of(sample.probabilities, sample.ood_score)

    def accuracy(self, probability: float, images: int) -> Share:
        """The accuracy of a window.

        Args:
            probability: mean chance of its answers, 0 to 1.
            images: of it, at least 1.
        """
        low, high = self.uncertainty.interval(float(probability), images)
        return Share(float(probability), low, high)


def _unseen(answers: Perturbed) -> tuple[Array, Array, Array]:
    """Of each corruption at each severity: estimate, accuracy and number of images.

    By a model that was taught nothing of the corruption's family.
    """
    families = np.array(answers.families)
    estimates, accuracies, images = [], [], []
    for family in sorted(set(answers.families) - {CLEAN}):
        chance = Chance.fit(answers.take(families != family))
        unseen = answers.take(families == family)
        chances, correct = chance.of(unseen.probabilities, unseen.ood_score), unseen.correct
        groups = defaultdict(list)
        for row, key in enumerate(zip(unseen.corruptions, unseen.severities.tolist(), strict=True)):
            groups[key].append(row)
        for rows in groups.values():
            estimates.append(chances[rows].mean())
            accuracies.append(correct[rows].mean())
            images.append(len(rows))
    return np.array(estimates), np.array(accuracies), np.array(images, dtype=np.float64)
