import numpy as np
import pytest
from mlopsproj_monitoring.detectors.contrast import Contrast
from mlopsproj_monitoring.detectors.embedding_mmd import KernelDetector
from mlopsproj_monitoring.features.embedding import EmbeddingMap


def unbiased(one, other, bandwidth):
    """The U-statistic of Gretton et al. 2012, equation 3, from the kernel itself."""

    def kernel(first, second):
        distances = ((first[:, None] - second[None]) ** 2).sum(axis=2)
        return np.exp(-distances / (2 * bandwidth**2))

    m, n = len(one), len(other)
    return (
        (kernel(one, one).sum() - m) / (m * (m - 1))
        + (kernel(other, other).sum() - n) / (n * (n - 1))
        - 2 * kernel(one, other).mean()
    )


@pytest.mark.parametrize("shift", [0.2, 0.5, 1.0])
def test_the_effect_is_the_kernel_s_without_its_noise(shift):
    rng = np.random.default_rng(0)
    reference = rng.normal(size=(800, 8)).astype(np.float32)
    window = (rng.normal(size=(200, 8)) + shift).astype(np.float32)
    embedding = EmbeddingMap.fit(reference, seed=0)
    standard = [embedding.standardised(values) for values in (window, reference)]
    features = [embedding.kernel_features(values).astype(np.float64) for values in standard]
    detector = KernelDetector(slice(0, features[0].shape[1]), float(features[1].var(axis=0).sum()))
    contrast = Contrast(
        window=features[0].mean(axis=0)[None],
        reference=features[1].mean(axis=0)[None],
        halves=np.zeros((1, 2, 1)),
        scale=np.sqrt([1 / 200 + 1 / 800]),
    )
    distances = np.linalg.norm(standard[1][:, None] - standard[1][None], axis=2)
    bandwidth = np.median(distances[np.triu_indices(800, 1)])
    direct = np.sqrt(unbiased(standard[0], standard[1], bandwidth))
    assert detector.effect(contrast) == pytest.approx(direct, rel=0.1)


def test_noise_alone_is_no_effect(make_contrast):
    detector = KernelDetector(slice(0, 2), variance=1.0)
    assert detector.effect(make_contrast([0.1, 0.02], [0.02, 0.02])) == 0
