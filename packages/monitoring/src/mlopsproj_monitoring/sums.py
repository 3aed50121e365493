"""What is kept of a window: sums over its images, however many there are.

Sums of two parts of a window add up to those of the whole. Knows nothing of tests.
"""

from typing import Final, Self

import numpy as np
import numpy.typing as npt
from mlopsproj_core.errors import DataError

from mlopsproj_monitoring.features.feature_map import FeatureMap
from mlopsproj_monitoring.features.measurements import MEASURED, measurements, predicted
from mlopsproj_monitoring.halves import HALVES, halves
from mlopsproj_monitoring.sample import Array, Sample

_AT_ONCE: Final = 5000


class WindowSums:
    """Sums of some images, by the feature map of a reference.

    The images are divided into two halves by a hash of their ids: what is learnt on one half is
    tested on the other.

    Attributes:
        images: `(2,)` int64: images in each half.
        vectors: `(2, width)`: sums of the feature vectors.
        events: `(E,)` int64: images that show each of the map's events.
        measured: `(len(MEASURED),)`: sums of the measurements that are known.
        known: `(len(MEASURED),)` int64: how many are.
        predicted: `(K,)` int64: images for which each class is the most probable.
        labelled: `(K,)` int64: images whose true class is known, by it.
        correct: how many of these were answered rightly.
    """

    def __init__(self, features: FeatureMap, *, classes: int) -> None:
        """Of no image.

        Args:
            features: of the reference.
            classes: K.
        """
        self.features = features
        self.images: npt.NDArray[np.int64] = np.zeros(HALVES, np.int64)
        self.vectors: Array = np.zeros((HALVES, features.width))
        self.events: npt.NDArray[np.int64] = np.zeros(len(features.events), np.int64)
        self.measured: Array = np.zeros(len(MEASURED))
        self.known: npt.NDArray[np.int64] = np.zeros(len(MEASURED), np.int64)
        self.predicted: npt.NDArray[np.int64] = np.zeros(classes, np.int64)
        self.labelled: npt.NDArray[np.int64] = np.zeros(classes, np.int64)
        self.correct = 0

    def __len__(self) -> int:
        return int(self.images.sum())

    def add(self, sample: Sample) -> None:
        """Count some more images.

        Raises:
            DataError: if they are another model's: other classes, or another embedding.
        """
        classes, dimensions = len(self.predicted), self.features.embedding.dimensions
        if (sample.classes, sample.dimensions) != (classes, dimensions):
            raise DataError(
                f"The images have {sample.classes} probabilities and an embedding of"
                f" {sample.dimensions} numbers, the reference {classes} and {dimensions}: they were"
                " answered by another model; give those of the reference's."
            )
        for start in range(0, len(sample), _AT_ONCE):
            rows = np.arange(start, min(start + _AT_ONCE, len(sample)))
            self._add(sample if len(rows) == len(sample) else sample.take(rows))

    def merge(self, other: Self) -> None:
        """Count the images of another part of the window, summed by the same feature map.

        Raises:
            DataError: if they were summed by another map.
        """
        if other.features is not self.features:
            raise DataError("Sums by two references cannot be added: sum both windows by one.")
        self.images += other.images
        self.vectors += other.vectors
        self.events += other.events
        self.measured += other.measured
        self.known += other.known
        self.predicted += other.predicted
        self.labelled += other.labelled
        self.correct += other.correct

    @property
    def means(self) -> Array:
        """`(width,)`: of the feature vectors."""
        mean: Array = self.vectors.sum(axis=0) / max(1, len(self))
        return mean

    @property
    def half_means(self) -> Array:
        """`(2, width)`: of each half's."""
        means: Array = self.vectors / np.maximum(1, self.images)[:, None]
        return means

    def _add(self, sample: Sample) -> None:
        is_second = halves(sample.ids)
        vectors = self.features.vectors(sample)
        for half, members in enumerate((~is_second, is_second)):
            self.images[half] += members.sum()
            # No product of matrices: BLAS wakes threads for it, which takes longer than the sum.
            self.vectors[half] += vectors[members].sum(axis=0, dtype=np.float64)
        self.events += self.features.rare(sample).sum(axis=0)
        for place, values in enumerate(measurements(sample).values()):
            is_known = ~np.isnan(values)
            self.measured[place] += values[is_known].sum()
            self.known[place] += is_known.sum()
        answers, classes = predicted(sample), len(self.predicted)
        self.predicted += np.bincount(answers, minlength=classes)
        labels = sample.label_numbers
        labelled = np.flatnonzero(~np.isnan(labels))
        true = labels[labelled].astype(np.intp)
        self.labelled += np.bincount(true, minlength=classes)
        self.correct += int((answers[labelled] == true).sum())
