"""The embedding as two vectors: one for its whole distribution, one for its mean.

`(N, D)` is standardised by the reference and reduced to its principal components. Of these, random
Fourier features stand for a Gaussian kernel (Rahimi & Recht 2007, "Random Features for
Large-Scale Kernel Machines"): the squared distance of two samples' mean features is the squared
maximum mean discrepancy (Gretton et al. 2012, "A Kernel Two-Sample Test") up to the sampling of
the frequencies. Whitened components stand for a linear classifier. Knows nothing of windows.
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
_CONSTANT: Final = 1e-4
"""Of the median spread of a coordinate: half precision alone makes a few parts in ten thousand."""


@dataclass(frozen=True, eq=False)
class EmbeddingMap:
    """Fitted on a reference.

    Attributes:
        dimensions: D.
        constant: `(D,)`: whether a coordinate is the same for all images of the reference.
        mean: `(D,)`.
        tolerance: within which a constant coordinate is what it was.
        projection: `(D, R)`: from the centred embedding to the principal components of the
            standardised one.
        bandwidth: of the kernel, the median distance of two images.
        frequencies: `(R, F)`, of the kernel.
        deviations: `(R,)`: standard deviation of each component.
    """

    dimensions: int
    constant: npt.NDArray[np.bool_]
    mean: Floats
    tolerance: float
    projection: Floats
    bandwidth: float
    frequencies: Floats
    deviations: Floats

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
        constant = spread <= _CONSTANT * usual
        scale = np.where(constant, 0.0, 1 / np.where(constant, 1.0, spread))
        standard = (values - mean) * scale
        variances, directions = np.linalg.eigh(standard.T @ standard / len(values))
        most = min(MOST_COMPONENTS, max(1, len(values) // _ROWS_PER_COMPONENT))
        # The largest first; what is next to nothing beside the first is rounding.
        kept = [
            place
            for place in np.argsort(-variances)[:most]
            if variances[place] > 1e-6 * variances.max()
        ]
        projection = scale[:, None] * directions[:, kept]
        components = (values - mean) @ projection
        bandwidth = _median_distance(components, rng)
        return cls(
            dimensions=embedding.shape[1],
            constant=constant,
            mean=mean.astype(np.float32),
            tolerance=usual * 0.01,
            projection=projection.astype(np.float32),
            bandwidth=bandwidth,
            frequencies=(rng.standard_normal((len(kept), FREQUENCIES)) / bandwidth).astype(
                np.float32
            ),
            deviations=np.sqrt(variances[kept]).astype(np.float32),
        )

    @property
    def components(self) -> int:
        """R; 0 where all images of the reference have one embedding."""
        return int(self.projection.shape[1])

    def project(self, embedding: Floats) -> Floats:
        """`(N, R)`: the principal components."""
        centred = finite(embedding) - self.mean
        components: Floats = (centred @ self.projection).astype(np.float32, copy=False)
        return components

    def kernel_features(self, components: Floats) -> Floats:
        """`(N, 2 F)`: inner products approximate the Gaussian kernel."""
        phases = components @ self.frequencies
        found = np.concatenate([np.cos(phases), np.sin(phases)], axis=1)
        found /= np.float32(np.sqrt(FREQUENCIES))
        return found

    def whitened(self, components: Floats) -> Floats:
        """`(N, R)`: uncorrelated and of variance 1 in the reference."""
        return components / self.deviations

    def is_strange(self, embedding: Floats) -> npt.NDArray[np.bool_]:
        """`(N,)`: whether a coordinate differs that never does in the reference."""
        if not self.constant.any():
            return np.zeros(len(embedding), np.bool_)
        away = np.abs(finite(embedding[:, self.constant]) - self.mean[self.constant])
        strange: npt.NDArray[np.bool_] = (away > self.tolerance).any(axis=1)
        return strange


def finite(embedding: Floats) -> Floats:
    """Zero for NaN, the largest number of half precision for infinities."""
    return np.nan_to_num(embedding, nan=0.0, posinf=65504.0, neginf=-65504.0)


def _median_distance(components: npt.NDArray[np.float64], rng: np.random.Generator) -> float:
    """The median heuristic, from a few hundred rows; 1 where all are alike."""
    rows = rng.permutation(len(components))[:_ROWS_OF_DISTANCES]
    chosen = components[rows]
    squares = (chosen**2).sum(axis=1)
    distances = squares[:, None] + squares[None, :] - 2 * chosen @ chosen.T
    median = (
        float(np.median(distances[np.triu_indices(len(chosen), 1)])) if len(chosen) > 1 else 0.0
    )
    return float(np.sqrt(median)) if median > 0 else 1.0
