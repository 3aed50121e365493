"""How large each statistic gets without drift: windows drawn from the reference itself.

For windows of m images, about m' = min(m, n/2) of the reference's n rows are drawn (each with the
chance m'/n) and held against the others. A difference of means then varies as one of m new images
and n does, up to the factor √((1/m + 1/n) / (1/m' + 1/(n - m'))): the thresholds are right for any
m, larger than the reference too. The p-value of the check is the rank of the smallest of its
detectors' p-values among the smallest of each draw's (Westfall & Young 1993): detectors that depend
on each other cost nothing. Knows nothing of windows that were seen.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from mlopsproj_monitoring.detectors.contrast import Contrast
from mlopsproj_monitoring.detectors.detector import Detector
from mlopsproj_monitoring.features.embedding import Floats
from mlopsproj_monitoring.sample import Array
from mlopsproj_monitoring.tail import NullTail

_RATIO: Final = 1.1
_LARGEST: Final = 100
_AT_ONCE: Final = 200
_NUMBERS: Final = 2**16

_FIRST, _SECOND, _REST_FIRST, _REST_SECOND = range(4)


@dataclass(frozen=True, eq=False)
class NullDistribution:
    """What statistics do without drift, in windows of about one size.

    Statistics are divided by √(1/m + 1/n), and squared with their signs: their tails fall
    exponentially then.

    Attributes:
        tails: of each detector.
        smallest: of minus the logarithm of the smallest p-value.
        noise: `(T,)`: mean square of each statistic.
        spread: `(T,)`: standard deviation of each statistic.
    """

    tails: tuple[NullTail, ...]
    smallest: NullTail
    noise: Array
    spread: Array

    @classmethod
    def of(cls, statistics: Array) -> "NullDistribution":
        """By draws.

        Args:
            statistics: `(B, T)`, divided by √(1/m + 1/n).
        """
        squares = _signed_squares(statistics)
        tails = tuple(NullTail(column) for column in squares.T)
        p_values = np.stack(
            [tail.p_values(column) for tail, column in zip(tails, squares.T, strict=True)], axis=1
        )
        return cls(
            tails,
            NullTail(-np.log(p_values.min(axis=1))),
            (statistics**2).mean(axis=0),
            statistics.std(axis=0),
        )

    def p_values(self, statistics: Array) -> Array:
        """`(T,)`, of each detector by itself; statistics as for `of`."""
        squares = _signed_squares(statistics)
        return np.array(
            [tail.p_values(squares[place : place + 1])[0] for place, tail in enumerate(self.tails)]
        )

    def family_p_value(self, p_value: float) -> float:
        """Chance that the smallest of all detectors' p-values is as small or smaller."""
        return float(self.smallest.p_values(np.array([-np.log(p_value)]))[0])

    def threshold_p_value(self, alpha: float) -> float:
        """The smallest p-value at which the family's is `alpha`."""
        return float(np.exp(-self.smallest.statistic(alpha)))

    def thresholds(self, p_value: float) -> Array:
        """`(T,)`: the statistic of each detector that has this p-value."""
        squares = np.array([tail.statistic(p_value) for tail in self.tails])
        found: Array = np.sign(squares) * np.sqrt(np.abs(squares))
        return found


class Calibration:
    """Null distributions for windows of any size, each found when it is first asked for.

    Any thread may use it.
    """

    def __init__(
        self,
        vectors: Floats,
        whitened: slice,
        detectors: Sequence[Detector],
        *,
        draws: int,
        seed: int,
    ) -> None:
        """By a reference.

        Args:
            vectors: `(n, width)`, of its rows.
            whitened: the block of the whitened embedding.
            detectors: whose statistics are wanted.
            draws: how many.
            seed: of the draws.
        """
        self._vectors, self._whitened = vectors, whitened
        self._detectors = tuple(detectors)
        self._total = vectors.sum(axis=0, dtype=np.float64)
        self._draws, self._seed = draws, seed
        self._found: dict[int, NullDistribution] = {}
        self._lock = Lock()

    def at(self, images: int) -> NullDistribution:
        """For windows of so many images: the nearest of sizes a tenth apart."""
        size = self._size(images)
        with self._lock:
            if size not in self._found:
                self._found[size] = NullDistribution.of(self._draw(size))
            return self._found[size]

    def _size(self, images: int) -> int:
        most = _LARGEST * len(self._vectors)  # beyond it only the reference's own noise counts
        step = np.round(np.log(min(images, most)) / np.log(_RATIO))
        return int(np.round(_RATIO**step))

    def _draw(self, images: int) -> Array:
        """`(B, T)`: statistics of draws, each divided by its own scale."""
        rows = len(self._vectors)
        share = min(images, rows // 2) / rows
        roles = _roles(share)
        rng = np.random.default_rng([self._seed, images])
        found = []
        for start in range(0, self._draws, _AT_ONCE):
            count = min(_AT_ONCE, self._draws - start)
            numbers = rng.integers(0, _NUMBERS, (count, rows), dtype=np.uint16)
            found.append(self._statistics(roles[numbers]))
        return np.concatenate(found)

    def _statistics(self, roles: npt.NDArray[np.int8]) -> Array:
        """Of draws that are told by the role of each row, `(B, n)`."""
        whitened = self._vectors[:, self._whitened]
        window = _sums(roles <= _SECOND, self._vectors)
        first, rest_first = (_sums(roles == role, whitened) for role in (_FIRST, _REST_FIRST))
        second = window.values[:, self._whitened] - first.values
        rest = self._total - window.values
        rest_second = rest[:, self._whitened] - rest_first.values
        in_second = window.counts - first.counts
        in_rest = len(self._vectors) - window.counts
        halves = (
            first.values / first.counts - rest_first.values / rest_first.counts,
            second / np.maximum(1, in_second)
            - rest_second / np.maximum(1, in_rest - rest_first.counts),
        )
        contrast = Contrast(
            window=window.values / window.counts,
            reference=rest / in_rest,
            halves=np.stack(halves, axis=1),
            scale=np.sqrt(1 / window.counts + 1 / in_rest)[:, 0],
        )
        statistics = [detector.statistics(contrast) for detector in self._detectors]
        return np.stack(statistics, axis=1) / contrast.scale[:, None]


class _Sums(NamedTuple):
    """Of some rows in each draw.

    Attributes:
        values: `(B, width)`.
        counts: `(B, 1)`: of the rows, at least 1.
    """

    values: Array
    counts: Array


def _sums(members: npt.NDArray[np.bool_], vectors: Floats) -> _Sums:
    values = members.astype(np.float32) @ vectors
    counts = np.maximum(1, members.sum(axis=1, keepdims=True))
    return _Sums(values.astype(np.float64), counts.astype(np.float64))


def _signed_squares(statistics: Array) -> Array:
    """Squares that keep their signs."""
    return statistics * np.abs(statistics)


def _roles(share: float) -> npt.NDArray[np.int8]:
    """`(65536,)`: the role of a row that draws each number.

    Args:
        share: of the rows that shall be in the window.
    """
    window = round(share * _NUMBERS)
    counts = [window // 2, window - window // 2]
    rest = _NUMBERS - window
    counts += [rest // 2, rest - rest // 2]
    return np.repeat(np.array([_FIRST, _SECOND, _REST_FIRST, _REST_SECOND], np.int8), counts)
