"""Images with their labels, ready for a network: what evaluation is given and data gives.

Knows nothing of where they lie; `images` may be a memory map.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mlopsproj_core.image import Pixels


@dataclass(frozen=True, eq=False)
class LabelledImages:
    """One split of a prepared data set.

    Attributes:
        ids: N content ids: the hexadecimal sha256 of the source bytes; for images that come as
            arrays, of shape and pixels.
        images: `(N, height, width, channels)` uint8, as `prepare_image` makes them.
        labels: `(N,)` int64, indices into `classes`.
        classes: names of the K classes.
    """

    ids: tuple[str, ...]
    images: Pixels
    labels: npt.NDArray[np.int64]
    classes: tuple[str, ...]

    def __post_init__(self) -> None:
        assert len(self.ids) == len(self.images) == len(self.labels)  # noqa: S101 (our own code)

    def __len__(self) -> int:
        return len(self.ids)
