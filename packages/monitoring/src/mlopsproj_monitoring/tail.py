"""p-values from draws of a statistic under the null hypothesis, finer than one over their number.

Knows nothing of what the statistic is.
"""

from typing import Final

import numpy as np

from mlopsproj_monitoring.sample import Array

_TAIL: Final = 0.05
_SMALLEST: Final = 1e-300


class NullTail:
    """The distribution of one statistic.

    Within the draws a p-value is a rank. In the largest twentieth of them, and beyond, the
    distribution is taken to fall exponentially (Knijnenburg et al. 2009, "Fewer permutations, more
    accurate P-values", with the shape of tails of squared distances of means).
    """

    def __init__(self, draws: Array) -> None:
        """By draws.

        Args:
            draws: `(B,)`, on a scale on which the tail falls exponentially.
        """
        self._sorted = np.sort(draws)
        place = int(np.ceil(len(draws) * (1 - _TAIL)))
        self._start = float(self._sorted[place])
        beyond = self._sorted[place:]
        self._mean_excess = float((beyond - self._start).mean())
        self._start_p = float(self._rank_p(np.array([self._start]))[0])

    def p_values(self, statistics: Array) -> Array:
        """Chance of a statistic as large or larger, for each."""
        found = self._rank_p(statistics)
        far = statistics > self._start
        if self._mean_excess > 0:
            excess = (statistics[far] - self._start) / self._mean_excess
            found[far] = np.maximum(self._start_p * np.exp(-excess), _SMALLEST)
        return found

    def statistic(self, p_value: float) -> float:
        """The statistic that has this p-value."""
        if p_value < self._start_p and self._mean_excess > 0:
            return self._start + self._mean_excess * float(np.log(self._start_p / p_value))
        return float(np.quantile(self._sorted, 1 - min(p_value, 1.0), method="higher"))

    def _rank_p(self, statistics: Array) -> Array:
        below = np.searchsorted(self._sorted, statistics, side="left")
        p_values: Array = (len(self._sorted) - below + 1) / (len(self._sorted) + 1)
        return p_values
