"""The bootstrap: images drawn again with replacement, and the interval that follows.

Knows nothing of what is computed from what was drawn.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

Array = npt.NDArray[np.float64]

# What is drawn at once: so many resamples, or fewer where there are many images.
_MOST_AT_ONCE, _MOST_DRAWN = 200, 1_000_000


def resamples(images: int, count: int, *, seed: int) -> Iterator[Array]:
    """Draw, a part at a time.

    Args:
        images: N, at least 1.
        count: of resamples.
        seed: of the drawing.

    Yields:
        `(R, N)`: how often each image is drawn in each of R resamples; the R add up to `count`.
    """
    rng = np.random.default_rng(seed)
    at_once = max(1, min(_MOST_AT_ONCE, _MOST_DRAWN // images))
    for start in range(0, count, at_once):
        rows = min(at_once, count - start)
        drawn = rng.integers(0, images, (rows, images))
        drawn += np.arange(rows)[:, None] * images
        flat = np.bincount(drawn.ravel(), minlength=rows * images)
        yield flat.reshape(rows, images).astype(np.float64)


def bias_corrected(value: float, drawn: Array, *, tail: float) -> tuple[float, float] | None:
    """Bias-corrected percentile interval (Efron & Tibshirani 1993, chapter 14).

    The correction matters for the calibration error, whose resamples are larger than itself.
    Where all images agree, as in a class that is always found, the interval has no width: that no
    mistake was seen is not that there are none.

    Args:
        value: of the sample itself.
        drawn: `(R,)`, of each resample; what is no number is left out.
        tail: chance on either side, e.g. 0.025 for an interval of 95 %.

    Returns:
        Lower and upper bound, around the value; None where it is no number, or none was drawn.
    """
    drawn = drawn[~np.isnan(drawn)]
    if np.isnan(value) or not len(drawn):
        return None
    below = ((drawn < value).sum() + 0.5 * (drawn == value).sum()) / len(drawn)
    edge = 1 / (len(drawn) + 1)
    bias = ndtri(np.clip(below, edge, 1 - edge))
    quantile = ndtri(tail)
    low, high = np.quantile(drawn, ndtr(2 * bias + np.array([quantile, -quantile])))
    return float(min(low, value)), float(max(high, value))
