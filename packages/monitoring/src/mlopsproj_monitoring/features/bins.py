"""Bins of one number, such that each holds about as many images of the reference.

The Kolmogorov-Smirnov distance of two samples is read off their shares of the bins. Knows nothing
of windows.
"""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from mlopsproj_monitoring.sample import Array

MOST_BINS: Final = 32

RARE: Final = 10
"""What fewer images of a reference show has no share that could be relied on."""

_USUAL: Final = 5
"""Images of half a reference that make a value of a number usual."""

_TOLERANCE: Final = 1e-5
"""Of the usual range: what differs by less is the same, on whatever machine it was computed."""


@dataclass(frozen=True, eq=False)
class Bins:
    """Bins of one number.

    Attributes:
        edges: upper ends, rising, of all bins but the last, midway between values that are there.
        has_missing: whether there is one more bin, the last, for images without the number; else
            these are rare.
    """

    edges: Array
    has_missing: bool

    @classmethod
    def fit(cls, values: Array) -> Self | None:
        """By the reference.

        Args:
            values: `(N,)`; NaN where it is missing.

        Returns:
            None if fewer than `RARE` images differ from all others: there is nothing to divide.
        """
        known = rounded(values[~np.isnan(values)])
        has_missing = len(values) - len(known) >= RARE
        distinct, counts = np.unique(known, return_counts=True)
        if not len(known) or (counts.max() > len(known) - RARE and not has_missing):
            return None
        if len(distinct) > MOST_BINS:
            bins = int(np.clip(len(known) // RARE, 2, MOST_BINS))
            wanted = np.quantile(known, np.arange(1, bins) / bins, method="inverted_cdf")
            places = np.searchsorted(distinct, np.unique(wanted))
            # A value that many share is a bin of its own, rather than the end of one.
            large = places[counts[places] > len(known) / bins]
            places = np.unique(np.concatenate([places, large - 1]))
            places = places[(places >= 0) & (places < len(distinct) - 1)]
        else:
            places = np.arange(len(distinct) - 1)
        return cls((distinct[places] + distinct[places + 1]) / 2, has_missing)

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.edges) + 1 + self.has_missing

    def numbers(self, values: Array) -> npt.NDArray[np.intp]:
        """`(N,)`: the bin of each value; where it is missing but that is rare, the first.

        Args:
            values: `(N,)`; NaN where it is missing.
        """
        missing = np.isnan(values)
        found = np.searchsorted(self.edges, np.where(missing, -np.inf, values), side="left")
        return np.where(missing, self.count - 1, found) if self.has_missing else found


@dataclass(frozen=True, eq=False)
class UsualValues:
    """The values of a number that has few of them, such as the width of images of one size.

    Attributes:
        values: rising; none where the number is never known.
        tolerance: how far from one of them is the same.
    """

    values: Array
    tolerance: float

    @classmethod
    def fit(cls, values: Array) -> Self | None:
        """By half of the reference.

        Args:
            values: `(N,)`; NaN where it is missing.

        Returns:
            None if there are many.
        """
        distinct, counts = np.unique(rounded(values[~np.isnan(values)]), return_counts=True)
        if len(distinct) > MOST_BINS and counts.max() <= counts.sum() - RARE:
            return None
        usual = distinct[counts >= min(_USUAL, counts.max(initial=0))]
        return cls(usual, 1e-4 * max(float(np.abs(usual).max(initial=0)), 1e-3))

    def is_strange(self, values: Array) -> npt.NDArray[np.bool_]:
        """`(N,)`: whether each is known, and none of the usual ones."""
        strange = ~np.isnan(values)
        for usual in self.values:
            strange &= ~(np.abs(values - usual) <= self.tolerance)
        return strange


def rounded(values: Array) -> Array:
    """Without differences that mean nothing.

    Args:
        values: `(N,)`, finite.
    """
    if not len(values):
        return values
    low, high = np.quantile(values, [0.05, 0.95])
    step = (high - low or np.ptp(values) or abs(high) or 1.0) * _TOLERANCE
    return np.round(values / step) * step
