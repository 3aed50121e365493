"""How well a score tells strange images from those of the classes that a network knows.

The score of the graph, beside two that need nothing but the logits: one minus the largest
probability (Hendrycks & Gimpel 2017, arXiv:1610.02136) and the energy (Liu et al. 2020,
arXiv:2010.03759). Knows nothing of how networks are trained.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from mlopsproj_core.image import ImageSpec, Pixels, prepare_image
from mlopsproj_evaluation.corruptions.catalogue import CORRUPTIONS
from mlopsproj_evaluation.corruptions.corrupting import corrupt
from mlopsproj_models.graph import ServingGraph
from scipy.stats import rankdata
from sklearn.datasets import load_digits

Floats = npt.NDArray[np.float64]

OURS, SOFTMAX, ENERGY = "ood_score", "max-softmax", "energy"
WHITE = 16
"""The brightest pixel of the digits, which are 8 x 8."""

SEVERITY = 3
_BATCH = 256
_NORMAL_95 = 1.96


@dataclass(frozen=True)
class Area:
    """Under the curve of false and true alarms: 0.5 is chance, 1 tells all apart.

    Attributes:
        value: the share of pairs of a strange and a known image that are ranked rightly.
        low: of the interval of 95 % (DeLong et al. 1988).
        high: of the same.
        known: images of known classes.
        strange: images of others.
    """

    value: float
    low: float
    high: float
    known: int
    strange: int


def area(known: Floats, strange: Floats) -> Area:
    """The area, with its interval.

    Args:
        known: `(N,)`, higher is stranger.
        strange: `(M,)` likewise.
    """
    n, m = len(known), len(strange)
    ranks = rankdata(np.concatenate([known, strange]))
    # Of each image the share of the others that lie on the right side of it.
    below = (ranks[n:] - rankdata(strange)) / n
    above = 1 - (ranks[:n] - rankdata(known)) / m
    value = float(below.mean())
    error = _NORMAL_95 * float(np.sqrt(above.var(ddof=1) / n + below.var(ddof=1) / m))
    return Area(value, max(0.0, value - error), min(1.0, value + error), n, m)


def scores(graph: ServingGraph, images: Pixels) -> dict[str, Floats]:
    """What every score says of prepared images, `(N,)` each; higher is stranger."""
    found: dict[str, list[torch.Tensor]] = {OURS: [], SOFTMAX: [], ENERGY: []}
    with torch.inference_mode():
        for start in range(0, len(images), _BATCH):
            probabilities, embedding, score = graph(torch.tensor(images[start : start + _BATCH]))
            found[OURS].append(score)
            # Of the network itself, without the temperature: as both were proposed.
            logits = graph.network.head(embedding)
            found[SOFTMAX].append(1 - logits.softmax(dim=1).amax(dim=1))
            found[ENERGY].append(-logits.logsumexp(dim=1))
            del probabilities
    return {name: torch.cat(parts).double().numpy() for name, parts in found.items()}


def areas(known: Mapping[str, Floats], strange: Mapping[str, Floats]) -> dict[str, Area]:
    """The area of every score."""
    return {name: area(known[name], strange[name]) for name in known}


def digits(spec: ImageSpec) -> Pixels:
    """The 1,797 handwritten digits of scikit-learn, as a service would prepare them."""
    images = load_digits().images * (255 / WHITE)
    return np.stack([prepare_image(image.astype(np.uint8), spec).pixels for image in images])


def corrupted(graph: ServingGraph, images: Pixels) -> dict[str, dict[str, Area]]:
    """Images against the same ones under each corruption at the middle severity.

    Args:
        graph: that knows their classes.
        images: some hundred; spoiling them takes longer than judging them.
    """
    ids = [f"{number:064x}" for number in range(len(images))]
    known = scores(graph, images)
    return {
        name: areas(known, scores(graph, corrupt(images, ids, name, SEVERITY)))
        for name in CORRUPTIONS
    }
