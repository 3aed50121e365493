from collections.abc import Callable

import numpy as np
import pytest
from mlopsproj_monitoring.detectors.contrast import Contrast


@pytest.fixture(scope="session")
def make_contrast() -> Callable[..., Contrast]:
    """One window of 100 images against a reference of 400."""

    def make(window, reference, halves=((0.0,), (0.0,))):
        return Contrast(
            window=np.array([window], np.float64),
            reference=np.array([reference], np.float64),
            halves=np.array([halves], np.float64),
            scale=np.sqrt([1 / 100 + 1 / 400]),
        )

    return make
