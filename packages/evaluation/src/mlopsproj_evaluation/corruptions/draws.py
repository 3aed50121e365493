"""Chance that is always the same: what is drawn for an image follows from its id.

From whole numbers of a bit generator, whose stream numpy promises to keep; its distributions may
change from one release to the next. Knows nothing of what is drawn.
"""

import hashlib
import math

import numpy as np
import numpy.typing as npt


class Draws:
    """Draws for one image, corruption, severity and seed, the same on every machine."""

    def __init__(self, image_id: str, corruption: str, severity: int, seed: int) -> None:
        """Nothing is drawn before it is asked for.

        Args:
            image_id: content id of the image.
            corruption: name of it.
            severity: of it.
            seed: of the whole suite.
        """
        self._key = f"{seed}\n{corruption}\n{severity}\n{image_id}"
        self._bits: np.random.PCG64 | None = None

    def sixteen_bits(self, *shape: int) -> npt.NDArray[np.uint16]:
        """Uniform whole numbers, 0 to 65,535."""
        if self._bits is None:
            digest = hashlib.sha256(self._key.encode()).digest()
            self._bits = np.random.PCG64(int.from_bytes(digest[:16], "big"))
        count = math.prod(shape)
        words = self._bits.random_raw(-(-count // 4))
        return np.asarray(words, dtype="<u8").view("<u2")[:count].reshape(shape)

    def fraction(self) -> float:
        """One uniform number, at least 0 and below 1."""
        return int(self.sixteen_bits(1)[0]) / 65536

    def direction(self) -> tuple[float, float]:
        """A unit vector, `(x, y)`."""
        angle = 2 * math.pi * self.fraction()
        return math.cos(angle), math.sin(angle)
