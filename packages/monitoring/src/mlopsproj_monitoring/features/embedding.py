"""The embedding as two vectors: one for its whole distribution, one for its mean.

`(N, D)` is standardised by the reference, coordinate by coordinate. Random Fourier features stand
for a Gaussian kernel (Rahimi & Recht 2007, "Random Features for Large-Scale Kernel Machines"): the
squared distance of two samples' mean features is the squared maximum mean discrepancy (Gretton et
al. 2012, "A Kernel Two-Sample Test") up to the sampling of the frequencies. These are drawn without
a look at the data: along directions that were chosen by the reference, other images would vary
less than the reference itself, and that would look like drift. Whitened principal components stand
for a linear classifier, which looks at means only. Knows nothing of windows.
"""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

FREQUENCIES: Final = 256
MOST_COMPONENTS: Final = 64
_ROWS_PER_COMPONENT: Final = 20
_ROWS_OF_DISTANCES: Final = 500
_FAR: Final = 5.0
"""Standard deviations; what is farther away counts as so far: a mean must not hang on one image."""
CONSTANT: Final = 1e-4
"""Of the median spread of a coordinate: half precision alone makes a few parts in ten thousand."""
_RELATIVE: Final = 1e-6
"""Of the largest variance; what is smaller is rounding."""


@dataclass(frozen=True, eq=False)
class EmbeddingMap:
    """Fitted on a reference.

    Attributes:
        mean: `(D,)`.
        scale: `(D,)`: one over the standard deviation; 0 for a constant coordinate.
        frequencies: `(D, F)`, of the kernel whose bandwidth is the median distance of two images.
        whitening: `(D, R)`: from the standardised embedding to its whitened principal components.
    """

    mean: Floats
    scale: Floats
    frequencies: Floats
    whitening: Floats

    @classmethod
    def fit(cls, embedding: Floats, *, seed: int) -> Self:
        """By the reference.

        Args:
            embedding: `(N, D)`.
            seed: of the frequencies.
        """
        rng = np.random.default_rng(seed)
        values = finite(embedding).astype(np.float64)
        mean, spread = values.mean(axis=0), values.std(axis=0)
        usual = float(np.median(spread[spread > 0])) if (spread > 0).any() else 1.0
        constant = spread <= CONSTANT * usual
        scale = np.where(constant, 0.0, 1 / np.where(constant, 1.0, spread))
        standard = np.clip((values - mean) * scale, -_FAR, _FAR)
        frequencies = rng.standard_normal((len(mean), FREQUENCIES))
        return cls(
            mean=mean.astype(np.float32),
            scale=scale.astype(np.float32),
            frequencies=(frequencies / _median_distance(standard, rng)).astype(np.float32),
            whitening=_whitening(standard).astype(np.float32),
        )

    @property
    def dimensions(self) -> int:
        """D."""
        return len(self.mean)

    @property
    def components(self) -> int:
        """R; 0 where all images of the reference have one embedding."""
        return int(self.whitening.shape[1])

    def standardised(self, embedding: Floats) -> Floats:
        """`(N, D)`: of mean 0 and variance 1 in the reference."""
        standard = (finite(embedding) - self.mean) * self.scale
        return np.clip(standard, -_FAR, _FAR, out=standard)

    def kernel_features(self, standardised: Floats) -> Floats:
        """`(N, 2 F)`: inner products approximate the Gaussian kernel."""
        phases = standardised @ self.frequencies
        found = np.concatenate([np.cos(phases), np.sin(phases)], axis=1)
        found /= np.float32(np.sqrt(FREQUENCIES))
        return found

    def whitened(self, standardised: Floats) -> Floats:
        """`(N, R)`: uncorrelated and of variance 1 in the reference."""
        components: Floats = standardised @ self.whitening
        return components


def finite(embedding: Floats) -> Floats:
    """Zero for NaN, the largest number of half precision for infinities."""
    return np.nan_to_num(embedding, nan=0.0, posinf=65504.0, neginf=-65504.0)


def _whitening(standard: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The largest principal components, as many as the rows can tell apart."""
    rows = len(standard)
    variances, directions = np.linalg.eigh(standard.T @ standard / rows)
    most = min(MOST_COMPONENTS, max(1, rows // _ROWS_PER_COMPONENT))
    largest = np.argsort(-variances)[:most]
    kept = largest[variances[largest] > _RELATIVE * max(variances.max(), 1e-12)]
    found: npt.NDArray[np.float64] = directions[:, kept] / np.sqrt(variances[kept])
    return found


def _median_distance(values: npt.NDArray[np.float64], rng: np.random.Generator) -> float:
    """The median heuristic, from a few hundred rows; 1 where all are alike."""
    chosen = values[rng.permutation(len(values))[:_ROWS_OF_DISTANCES]]
    squares = (chosen**2).sum(axis=1)
    distances = squares[:, None] + squares[None, :] - 2 * chosen @ chosen.T
    pairs = distances[np.triu_indices(len(chosen), 1)]
    median = float(np.median(pairs)) if len(pairs) else 0.0
    return float(np.sqrt(median)) if median > 1e-9 else 1.0  # noqa: PLR2004 (rounding)
