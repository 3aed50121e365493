"""How windows differ from the reference: differences of means, of one window or of many draws.

Knows nothing of what is made of them.
"""

from dataclasses import dataclass

from mlopsproj_monitoring.sample import Array


@dataclass(frozen=True, eq=False)
class Contrast:
    """B windows against the reference.

    Attributes:
        window: `(B, width)`: means of the feature vectors.
        reference: `(B, width)` or `(1, width)`.
        halves: `(B, 2, R)`: difference of the whitened embedding's means, by halves.
        scale: `(B,)`: √(1/m + 1/n) for m images in the window and n in the reference, by which the
            noise of a difference of means grows.
    """

    window: Array
    reference: Array
    halves: Array
    scale: Array

    def difference(self, block: slice) -> Array:
        """`(B, columns)`: window less reference, of one block."""
        return self.window[:, block] - self.reference[:, block]
