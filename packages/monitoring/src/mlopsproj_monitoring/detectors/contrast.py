"""How windows differ from the reference: differences of means, of one window or of many draws.

Knows nothing of what is made of them.
"""

from dataclasses import dataclass

import numpy as np

from mlopsproj_monitoring.sample import Array


@dataclass(frozen=True, eq=False)
class Contrast:
    """B windows against the reference.

    Attributes:
        images: m, in each window.
        reference_images: n, in the reference.
        window: `(B, width)`: means of the feature vectors.
        reference: `(B, width)` or `(1, width)`.
        halves: `(B, 2, R)`: difference of the whitened embedding's means, by halves.
    """

    images: int
    reference_images: int
    window: Array
    reference: Array
    halves: Array

    @property
    def scale(self) -> float:
        """By which the noise of a difference of means grows: √(1/m + 1/n)."""
        return float(np.sqrt(1 / self.images + 1 / self.reference_images))

    def difference(self, block: slice) -> Array:
        """`(B, columns)`: window less reference, of one block."""
        return self.window[:, block] - self.reference[:, block]
