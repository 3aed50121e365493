"""An image as a vector: all that the detectors look at, by the reference alone.

Each block of the vector is one detector's; a window is then no more than the sum of its images'
vectors. Knows nothing of tests.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from mlopsproj_monitoring.features.bins import Bins, UsualValues
from mlopsproj_monitoring.features.constant_coordinates import ConstantCoordinates
from mlopsproj_monitoring.features.embedding import EmbeddingMap, Floats
from mlopsproj_monitoring.features.groups import Groups, category_numbers
from mlopsproj_monitoring.features.measurements import MEASURED, measurements, predicted
from mlopsproj_monitoring.halves import halves
from mlopsproj_monitoring.sample import Array, Flags, Sample

Correctness = Callable[[Sample], Array]
"""`(N,)`: the chance of each image that the answer is right."""

CLASSES, MODE, KERNEL, WHITENED, CORRECTNESS = (
    "classes",
    "mode",
    "kernel",
    "whitened",
    "correctness",
)

MISSING: Final = "missing values"
UNUSUAL_EMBEDDING: Final = "unusual embedding"
RARE_CLASSES: Final = "rare classes"
RARE_MODES: Final = "rare modes"


@dataclass(frozen=True, eq=False)
class FeatureMap:
    """Fitted on a reference.

    What is usual is learnt from the first half of its rows: how rare all else is can be counted
    without bias on the second alone.

    Attributes:
        blocks: the columns of each block of the vector.
        width: of the vector.
        bins: of each number that differs between the reference's images.
        usual: values of each number that has few of them.
        classes: groups of predicted classes.
        modes: those that the reference shows, in alphabetical order.
        mode_groups: groups of these.
        embedding: how it is looked at.
        constant: its coordinates that do not differ.
        correctness: gives the chance that an answer is right, if there is an estimator.
        events: names of what hardly an image of the reference shows, in the order of `rare`.
    """

    blocks: Mapping[str, slice]
    width: int
    bins: Mapping[str, Bins]
    usual: Mapping[str, UsualValues]
    classes: Groups
    modes: tuple[str, ...]
    mode_groups: Groups
    embedding: EmbeddingMap
    constant: ConstantCoordinates
    correctness: Correctness | None
    events: tuple[str, ...]

    @classmethod
    def fit(cls, sample: Sample, *, correctness: Correctness | None = None, seed: int = 0) -> Self:
        """By the reference.

        Args:
            sample: of the reference.
            correctness: of the estimator of accuracy, if there is one.
            seed: of the kernel's random frequencies.
        """
        measured = measurements(sample)
        fitted = {name: Bins.fit(values) for name, values in measured.items()}
        bins = {name: found for name, found in fitted.items() if found is not None}
        is_first = ~halves(sample.ids)
        few = {name: UsualValues.fit(values[is_first]) for name, values in measured.items()}
        usual = {name: found for name, found in few.items() if found is not None}
        counts = np.bincount(predicted(sample), minlength=sample.classes)
        modes = tuple(sorted(set(sample.mode)))
        mode_numbers = category_numbers(sample.mode, modes)
        classes = Groups.fit(counts)
        mode_groups = Groups.fit(np.append(np.bincount(mode_numbers, minlength=len(modes)), 0))
        embedding = EmbeddingMap.fit(sample.embedding, seed=seed)
        widths = {name: found.count for name, found in bins.items()}
        if mode_groups.count > 1:
            widths[MODE] = mode_groups.count
        if classes.count > 1:
            widths[CLASSES] = classes.count
        if embedding.components:
            widths[KERNEL] = 2 * embedding.frequencies.shape[1]
            widths[WHITENED] = embedding.components
        if correctness is not None:
            widths[CORRECTNESS] = 1
        blocks, start = {}, 0
        for name, width in widths.items():
            blocks[name] = slice(start, start + width)
            start += width
        values = (f"rare {name}" if name in bins else name for name in usual)
        events = (*values, RARE_MODES, RARE_CLASSES, UNUSUAL_EMBEDDING, MISSING)
        return cls(
            blocks=blocks,
            width=start,
            bins=bins,
            usual=usual,
            classes=classes,
            modes=modes,
            mode_groups=mode_groups,
            embedding=embedding,
            constant=ConstantCoordinates.fit(sample.embedding[is_first]),
            correctness=correctness,
            events=events,
        )

    def vectors(self, sample: Sample) -> Floats:
        """`(N, width)` float32."""
        found = np.zeros((len(sample), self.width), np.float32)
        measured = measurements(sample)
        for name, bins in self.bins.items():
            _mark(found, self.blocks[name], bins.numbers(measured[name]))
        if MODE in self.blocks:
            numbers = self.mode_groups.numbers(category_numbers(sample.mode, self.modes))
            _mark(found, self.blocks[MODE], numbers)
        if CLASSES in self.blocks:
            _mark(found, self.blocks[CLASSES], self.classes.numbers(predicted(sample)))
        if KERNEL in self.blocks:
            standardised = self.embedding.standardised(sample.embedding)
            found[:, self.blocks[KERNEL]] = self.embedding.kernel_features(standardised)
            found[:, self.blocks[WHITENED]] = self.embedding.whitened(standardised)
        if self.correctness is not None:
            found[:, self.blocks[CORRECTNESS]] = self.correctness(sample)[:, None]
        return found

    def rare(self, sample: Sample) -> Flags:
        """`(N, E)`: whether each image shows each of `events`."""
        measured = measurements(sample)
        columns: list[Flags] = [
            usual.is_strange(measured[name]) for name, usual in self.usual.items()
        ]
        modes = self.mode_groups.numbers(category_numbers(sample.mode, self.modes))
        columns.append(np.asarray(modes == self.mode_groups.count))
        answers = self.classes.numbers(predicted(sample))
        columns.append(np.asarray(answers == self.classes.count))
        columns.append(self.constant.is_strange(sample.embedding))
        missing = np.asarray(~np.isfinite(sample.embedding).all(axis=1))
        for name in MEASURED:
            never_known = name in self.usual and not len(self.usual[name].values)
            if not never_known and not (name in self.bins and self.bins[name].has_missing):
                missing |= np.isnan(measured[name])
        columns.append(missing)
        return np.stack(columns, axis=1)


def _mark(vectors: Floats, block: slice, numbers: npt.NDArray[np.intp]) -> None:
    """One in the column of each image's number, if the block has it."""
    rows = np.flatnonzero(numbers < block.stop - block.start)
    vectors[rows, block.start + numbers[rows]] = 1.0
