"""Which layers suffer from int8, each by itself, so that a few of them can stay in float.

Knows nothing of how a graph is quantised.
"""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from mlopsproj_core.image import ImageSpec, Pixels
from mlopsproj_core.onnx_graph import OnnxGraph
from mlopsproj_core.outputs import Floats

from mlopsproj_models.compression.quantisation import quantisable_layers, quantise_static
from mlopsproj_models.config import Calibration

_PIXELS_AT_ONCE = 2**20
_SMALLEST: Final = 1e-7
"""Probability below which a class counts as impossible in either."""

_SHARE: Final = 0.5
_MOST: Final = 0.2


def divergence(expected: Floats, found: Floats) -> float:
    """Mean Kullback-Leibler divergence of two models' probabilities, in nats.

    Args:
        expected: `(N, K)` of the one that is taken for right.
        found: `(N, K)` of the other, for the same images.
    """
    p = expected.astype(np.float64).clip(_SMALLEST)
    q = found.astype(np.float64).clip(_SMALLEST)
    return float((p * np.log(p / q)).sum(axis=1).mean())


def rank_layers(
    source: Path,
    ranges: Path,
    images: Pixels,
    spec: ImageSpec,
    classes: int,
    *,
    method: Calibration,
    reduced_range: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> list[tuple[str, float]]:
    """How far the probabilities move when one layer alone computes in int8.

    Args:
        source: float ONNX file.
        ranges: that `find_ranges` wrote for it.
        images: `(N, H, W, C)` uint8 training images.
        spec: of the images.
        classes: K.
        method: by which the ranges were chosen.
        reduced_range: weights of seven bits.
        progress: told how many layers are done, and of how many.

    Returns:
        Every layer that can be quantised and its divergence, the most sensitive first.
    """
    expected = _probabilities(source, images, spec, classes)
    layers = quantisable_layers(source)
    found = []
    with tempfile.TemporaryDirectory() as scratch:
        for done, layer in enumerate(layers, start=1):
            path = Path(scratch) / "one.onnx"
            quantise_static(
                source,
                path,
                ranges,
                method=method,
                only_layers=[layer],
                reduced_range=reduced_range,
            )
            moved = divergence(expected, _probabilities(path, images, spec, classes))
            found.append((layer, moved))
            if progress:
                progress(done, len(layers))
    return sorted(found, key=lambda pair: -pair[1])


def most_sensitive(ranked: Sequence[tuple[str, float]]) -> list[str]:
    """The layers that stay in float: those of half of all divergence, a fifth of them at most.

    Args:
        ranked: as `rank_layers` gives them.
    """
    total = sum(moved for _, moved in ranked)
    most = max(1, int(_MOST * len(ranked)))
    kept: list[str] = []
    covered = 0.0
    for layer, moved in ranked[:most]:
        if covered >= _SHARE * total:
            break
        kept.append(layer)
        covered += moved
    return kept


def _probabilities(path: Path, images: Pixels, spec: ImageSpec, classes: int) -> Floats:
    graph = OnnxGraph(path, spec, classes)
    size = max(1, _PIXELS_AT_ONCE // (spec.height * spec.width))
    pieces = [graph.run(images[i : i + size]).probabilities for i in range(0, len(images), size)]
    return np.concatenate(pieces)
