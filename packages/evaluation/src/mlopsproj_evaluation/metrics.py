"""Figures of merit of a classifier, for the sample itself and for resamples of it at once.

Every function takes weights `(R, N)`: how often each of N images counts in each of R resamples
(a row of ones is the sample itself), and gives `(R,)` or `(R, K)`. Knows nothing of intervals.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from mlopsproj_evaluation.scores import Scores

Array = npt.NDArray[np.float64]

CALIBRATION_BINS: Final = 15
"""Of equal width, as in Guo et al. 2017 (arXiv:1706.04599)."""


@dataclass(frozen=True, eq=False)
class Counts:
    """Weighted counts of each class.

    Attributes:
        hits: `(R, K)` images of the class that were predicted as it.
        support: `(R, K)` images of the class.
        predicted: `(R, K)` images that were predicted as the class.
    """

    hits: Array
    support: Array
    predicted: Array

    @property
    def recall(self) -> Array:
        """`(R, K)`; not a number where a class has no image."""
        return _ratio(self.hits, self.support)

    @property
    def precision(self) -> Array:
        """`(R, K)`; not a number where a class is never predicted."""
        return _ratio(self.hits, self.predicted)

    @property
    def f1(self) -> Array:
        """`(R, K)`; not a number where a class has no image and is never predicted."""
        return _ratio(2 * self.hits, self.support + self.predicted)


def class_counts(scores: Scores, weights: Array) -> Counts:
    """Count hits, images and predictions of each class."""
    size = scores.probabilities.shape[1]
    images = np.ascontiguousarray(weights.T)
    right = scores.correct.astype(np.float64)
    return Counts(
        hits=_sum_by_group(scores.labels, size, images, right).T,
        support=_sum_by_group(scores.labels, size, images).T,
        predicted=_sum_by_group(scores.predicted, size, images).T,
    )


def accuracy(scores: Scores, weights: Array) -> Array:
    """Share of images whose most probable class is their label."""
    return np.asarray((weights @ scores.correct) / weights.sum(axis=1))


def balanced_accuracy(counts: Counts) -> Array:
    """Mean recall of the classes that have an image."""
    return _mean_of_known(counts.recall)


def macro_f1(counts: Counts) -> Array:
    """Mean F1 of the classes that have an image or are predicted."""
    return _mean_of_known(counts.f1)


def auroc(scores: Scores, weights: Array) -> Array:
    """Mean over the classes of the area under the ROC curve, one class against the rest.

    The area is the probability that an image of the class is given a higher probability for it
    than an image of another class, ties counting half (Hanley & McNeil 1982). Classes without an
    image, or with no image of another class, are left out.
    """
    images = np.ascontiguousarray(weights.T)
    areas = [
        _area(scores.probabilities[:, label], scores.labels == label, images)
        for label in range(scores.probabilities.shape[1])
    ]
    return _mean_of_known(np.stack(areas, axis=1))


def _area(values: npt.NDArray[np.float32], positive: npt.NDArray[np.bool_], images: Array) -> Array:
    # Between two neighbouring values of the class, the order of the other images is of no
    # account: slots 1, 3, 5, … are the values of the class, 0, 2, 4, … what lies between.
    known = np.unique(values[positive])
    if not len(known):
        return np.full(images.shape[1], np.nan)
    below = np.searchsorted(known, values)
    slot = 2 * below + (known[np.minimum(below, len(known) - 1)] == values)
    slots = 2 * len(known) + 1
    positives = _sum_by_group(slot, slots, images, positive.astype(np.float64))
    negatives = _sum_by_group(slot, slots, images, (~positive).astype(np.float64))
    beaten = np.cumsum(negatives, axis=0) - negatives / 2
    pairs = positives.sum(axis=0) * negatives.sum(axis=0)
    return _ratio((positives * beaten).sum(axis=0), pairs)


def expected_calibration_error(scores: Scores, weights: Array) -> Array:
    """Mean gap between confidence and accuracy over bins of confidence (Guo et al. 2017)."""
    count, confidence, correct = calibration_bins(scores, weights)
    return np.asarray(np.abs(confidence - correct).sum(axis=1) / count.sum(axis=1))


def calibration_bins(scores: Scores, weights: Array) -> tuple[Array, Array, Array]:
    """Each `(R, 15)`: images in the bin, their summed confidence, and how many are correct."""
    confidence = scores.probabilities.max(axis=1).astype(np.float64)
    index = np.clip(np.ceil(confidence * CALIBRATION_BINS) - 1, 0, CALIBRATION_BINS - 1)
    groups, images = index.astype(np.int64), np.ascontiguousarray(weights.T)
    right = scores.correct.astype(np.float64)
    return (
        _sum_by_group(groups, CALIBRATION_BINS, images).T,
        _sum_by_group(groups, CALIBRATION_BINS, images, confidence).T,
        _sum_by_group(groups, CALIBRATION_BINS, images, right).T,
    )


def _sum_by_group(
    group: npt.NDArray[np.integer], size: int, images: Array, values: Array | None = None
) -> Array:
    """`(size, R)`: sum of each group's rows of `images` `(N, R)`, each times its value."""
    rows = np.flatnonzero(values) if values is not None else np.arange(len(group))
    factors = values[rows] if values is not None else np.ones(len(rows))
    return np.asarray(csr_array((factors, (group[rows], rows)), (size, len(group))) @ images)


def _ratio(numerator: Array, denominator: Array) -> Array:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(denominator > 0, numerator / denominator, np.nan)


def _mean_of_known(values: Array) -> Array:
    """Mean over the last axis of what is a number."""
    known = ~np.isnan(values)
    return _ratio(np.where(known, values, 0).sum(axis=1), known.sum(axis=1).astype(np.float64))
