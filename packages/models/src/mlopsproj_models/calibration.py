"""What a trained network is given for serving: a temperature and a distance from its training data.

Works on logits and embeddings; knows nothing of networks, images or files.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from mlopsproj_models.directions import directions

_MAX_ITERATIONS = 100
_SHRINKAGE = 0.05
_MOST_COMPONENTS = 256
"""Of an embedding that the distance sees: more cost a request time, and fit the training images
rather than what others have in common with them."""

_PIECE = 4096


def fit_temperature(logits: Tensor, labels: Tensor) -> float:
    """The temperature that makes probabilities honest (Guo et al. 2017, arXiv:1706.04599).

    Args:
        logits: `(N, K)` of images that were not trained on.
        labels: `(N,)` int64.

    Returns:
        A positive number; logits are divided by it. Kept within 0.05 to 20, so that a network
        which makes no mistake on these images does not become infinitely sure.
    """
    logits = logits.double()
    log_temperature = torch.zeros((), dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [log_temperature], max_iter=_MAX_ITERATIONS, line_search_fn="strong_wolfe"
    )

    def loss() -> Tensor:
        optimizer.zero_grad()
        value = functional.cross_entropy(logits / log_temperature.exp(), labels)
        value.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        return value

    with torch.enable_grad():
        optimizer.step(loss)  # type: ignore[no-untyped-call]  # torch leaves it untyped
    return float(log_temperature.detach().exp().clamp(0.05, 20))


@dataclass(frozen=True, eq=False)
class OodScore:
    """Distance of an embedding's direction from the training data, in standard deviations.

    Mahalanobis distance to the nearest class mean under one covariance shared by the classes
    (Lee et al. 2018, arXiv:1807.03888), in the space of the d leading principal components, divided
    by the root of d, so that training images lie near 1 whatever the network. Embeddings are
    brought to length 1 before: lengths differ from class to class, which one covariance cannot
    tell (Mueller & Hein 2025, Mahalanobis++).

    Attributes:
        centre: `(D,)` mean of all directions.
        whitening: `(D, d)`; a centred direction times it has covariance 1 / d within a class.
        means: `(K, d)` of the classes that were trained on, whitened.
    """

    centre: Tensor
    whitening: Tensor
    means: Tensor


def fit_ood_score(embeddings: Tensor, labels: Tensor, classes: int) -> OodScore:
    """Fit the distance on the embeddings of training images.

    Args:
        embeddings: `(N, D)`.
        labels: `(N,)` int64, 0 to `classes` - 1; a class may be absent.
        classes: K.
    """
    embeddings = directions(embeddings)
    centre = embeddings.mean(dim=0, dtype=torch.float64)
    basis = _leading_components(embeddings, centre)
    centred = torch.cat([(piece - centre) @ basis for piece in torch.split(embeddings, _PIECE)])
    size = basis.shape[1]
    present = [label for label in range(classes) if bool((labels == label).any())]
    means = torch.stack([centred[labels == label].mean(dim=0) for label in present])
    rows = torch.full((classes,), -1).scatter(0, torch.tensor(present), torch.arange(len(present)))
    within = centred - means[rows[labels]]
    covariance = within.T @ within / len(within)
    # Shrunk towards a sphere: a dead feature has no variance to divide by.
    mean_variance = covariance.diagonal().mean().clamp_min(1e-12)
    covariance = (1 - _SHRINKAGE) * covariance + _SHRINKAGE * mean_variance * torch.eye(
        size, dtype=torch.float64
    )
    values, vectors = torch.linalg.eigh(covariance)
    whitening = _to_half(basis @ (vectors / (values * size).sqrt()))
    return OodScore(centre.float(), whitening.float(), (means @ basis.T @ whitening).float())


def _to_half(whitening: Tensor) -> Tensor:
    """Rounded to what float16 holds, where it can: variants keep it so, and lose nothing then.

    Of directions that hardly differ the centre takes almost all away, but not its rounding.
    """
    half = whitening.half().double()
    return half if bool(torch.isfinite(half).all()) else whitening


def _leading_components(embeddings: Tensor, centre: Tensor) -> Tensor:
    """`(D, d)` orthonormal float64: those of the largest variance, or all where they are few."""
    size = embeddings.shape[1]
    if size <= _MOST_COMPONENTS:
        return torch.eye(size, dtype=torch.float64)
    covariance = torch.zeros((size, size), dtype=torch.float64)
    for piece in torch.split(
        embeddings, _PIECE
    ):  # all at once in float64 would not fit for many photos
        centred = piece - centre
        covariance += centred.T @ centred
    vectors: Tensor = torch.linalg.eigh(covariance).eigenvectors  # by rising variance
    return vectors[:, -_MOST_COMPONENTS:]
