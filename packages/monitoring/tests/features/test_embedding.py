import numpy as np
import pytest
from mlopsproj_monitoring.features.embedding import EmbeddingMap, finite


def drawn(seed, images=1000, dimensions=12):
    rng = np.random.default_rng(seed)
    mixing = np.random.default_rng(9).normal(size=(dimensions, dimensions))
    return (rng.normal(size=(images, dimensions)) @ mixing).astype(np.float32)


def kernel(one, other, bandwidth):
    distances = ((one[:, None] - other[None]) ** 2).sum(axis=2)
    return np.exp(-distances / (2 * bandwidth**2))


@pytest.mark.parametrize("shift", [0.0, 0.3, 1.0])
def test_mean_features_give_the_discrepancy_of_the_kernel(shift):
    embedding = EmbeddingMap.fit(drawn(1), seed=0)
    one = embedding.standardised(drawn(1)).astype(np.float64)
    other = embedding.standardised(drawn(2) + shift * drawn(1).std(axis=0)).astype(np.float64)
    distances = np.linalg.norm(one[:, None] - one[None], axis=2)
    bandwidth = np.median(distances[np.triu_indices(len(one), 1)])
    direct = (
        kernel(one, one, bandwidth).mean()
        + kernel(other, other, bandwidth).mean()
        - 2 * kernel(one, other, bandwidth).mean()
    )
    means = [
        embedding.kernel_features(values.astype(np.float32)).mean(axis=0) for values in (one, other)
    ]
    assert ((means[0] - means[1]) ** 2).sum() == pytest.approx(direct, rel=0.15, abs=3e-4)


def test_whitened_components_are_uncorrelated_and_of_variance_one():
    values = drawn(1)
    embedding = EmbeddingMap.fit(values, seed=0)
    whitened = embedding.whitened(embedding.standardised(values))
    assert embedding.components == 12
    assert np.allclose(np.cov(whitened.T), np.eye(12), atol=0.02)


@pytest.mark.parametrize(("images", "components"), [(60, 3), (1000, 12)])
def test_there_are_as_many_components_as_the_rows_can_tell_apart(images, components):
    assert EmbeddingMap.fit(drawn(1, images), seed=0).components == components


def test_one_far_image_does_not_make_the_mean():
    embedding = EmbeddingMap.fit(drawn(1), seed=0)
    far = np.full((1, 12), 1e4, np.float32)
    assert np.abs(embedding.standardised(far)).max() == 5


def test_a_coordinate_that_never_differs_is_not_looked_at():
    values = drawn(1)
    values[:, 3] = 0.5
    embedding = EmbeddingMap.fit(values, seed=0)
    asked = drawn(2, 4)
    asked[:, 3] = [0.5, 0.5001, 0.9, 40]
    assert (embedding.standardised(asked)[:, 3] == 0).all()
    assert np.isfinite(embedding.whitened(embedding.standardised(asked))).all()


def test_where_all_are_alike_there_is_nothing_to_look_at():
    assert EmbeddingMap.fit(np.ones((100, 4), np.float32), seed=0).components == 0


def test_what_is_no_number_of_half_precision_is_made_one():
    assert finite(np.array([np.nan, np.inf, -np.inf, 1], np.float32)).tolist() == [
        0,
        65504,
        -65504,
        1,
    ]
