"""The numbers of each image that are held against the reference one by one.

Knows nothing of references.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from mlopsproj_monitoring.sample import NUMERIC_STATISTICS, Array, Sample

MEASURED: Final = (*NUMERIC_STATISTICS, "confidence", "ood_score")

_LARGEST: Final = 1e100
"""What is larger counts as so large, either way: sums of it stay numbers."""


def measurements(sample: Sample) -> dict[str, Array]:
    """`(N,)` for each of `MEASURED`; NaN for what is no finite number.

    `confidence` is the largest probability.
    """
    found = {name: np.asarray(sample.statistics[name], np.float64) for name in NUMERIC_STATISTICS}
    found["confidence"] = sample.probabilities.max(axis=1).astype(np.float64)
    found["ood_score"] = np.asarray(sample.ood_score, np.float64)
    return {
        name: np.where(np.isfinite(values), values, np.nan).clip(-_LARGEST, _LARGEST)
        for name, values in found.items()
    }


def predicted(sample: Sample) -> npt.NDArray[np.intp]:
    """`(N,)`: the most probable class of each."""
    answers: npt.NDArray[np.intp] = sample.probabilities.argmax(axis=1)
    return answers
