"""Two halves of any images, by their ids: what is learnt on one half is tested on the other.

Knows nothing of what is learnt.
"""

import zlib
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

HALVES: Final = 2


def halves(ids: Sequence[str]) -> npt.NDArray[np.bool_]:
    """`(N,)`: whether each image is in the second half, by its id alone."""
    return np.fromiter((zlib.crc32(id_.encode()) & 1 for id_ in ids), np.bool_, len(ids))
