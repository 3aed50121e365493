"""Which of several tests may be believed: the false-discovery rate.

Knows nothing of what was tested.
"""

import numpy as np

from mlopsproj_monitoring.sample import Array


def q_values(p_values: Array) -> Array:
    """Adjusted p-values whose false-discovery rate holds however the tests depend on each other.

    Benjamini & Yekutieli 2001, "The control of the false discovery rate in multiple testing under
    dependency": those of at most q are false discoveries in a share of at most q.

    Args:
        p_values: `(T,)`, 0 to 1.

    Returns:
        `(T,)`, 0 to 1, in the same order.
    """
    count = len(p_values)
    if not count:
        return p_values
    ranks = np.arange(1, count + 1)
    order = np.argsort(p_values)
    adjusted = p_values[order] * count / ranks * (1 / ranks).sum()
    found = np.empty(count)
    found[order] = np.minimum(np.minimum.accumulate(adjusted[::-1])[::-1], 1.0)
    return found
