"""How far each corruption moves what a drift detector watches: which of them it should see.

Collected while a model is run over spoilt images. Knows nothing of detectors and their windows.
"""

from collections import defaultdict
from typing import Final

import numpy as np
import numpy.typing as npt
from mlopsproj_core.errors import ImageError
from mlopsproj_core.image import ImageSpec, Pixels, prepare_images
from mlopsproj_core.outputs import Outputs

from mlopsproj_evaluation.corruptions.corruption import SEVERITIES, Signal
from mlopsproj_evaluation.robustness.outcomes import CLEAN

SEEN: Final = 0.2
"""Distance of two distributions (Kolmogorov & Smirnov) from which on a shift is said to be seen:
two windows of 133 images tell it from chance at a level of 1 %."""

Values = npt.NDArray[np.float64]


class Shifts:
    """Watches a measurement: give `observe` to `measure_robustness`."""

    def __init__(self) -> None:
        """Nothing was seen yet."""
        self._clean: dict[int, Values] = {}
        self._spoilt: dict[tuple[str, int], list[tuple[int, Values]]] = defaultdict(list)

    def observe(
        self,
        corruption: str,
        severity: int,
        places: npt.NDArray[np.int64],
        images: Pixels,
        outputs: Outputs,
    ) -> None:
        """Keep the signals of a batch; see `Observer`."""
        rows = zip(places.tolist(), _signals(images, outputs), strict=True)
        if corruption == CLEAN:
            self._clean.update(rows)
        else:
            self._spoilt[corruption, severity] += rows

    def distances(self, corruption: str) -> dict[Signal, list[float]]:
        """By signal, at severities 1 to 5: 0 where nothing moved, 1 where all values did.

        The spoilt images are held against the same images as they were, so that a signal that a
        corruption leaves alone has a distance of 0 and not that of two samples. A severity that no
        image met has moved nothing.
        """
        found: dict[Signal, list[float]] = {signal: [] for signal in Signal}
        for severity in SEVERITIES:
            met = self._spoilt.get((corruption, severity), [])
            before = np.array([self._clean[place] for place, _ in met])
            after = np.array([values for _, values in met])
            for column, signal in enumerate(Signal):
                distance = _distance(before[:, column], after[:, column]) if met else 0.0
                found[signal].append(distance)
        return found

    def seen_from(self, corruption: str) -> dict[Signal, int]:
        """The signals that show a corruption, and the severity from which on each of them does."""
        found = {}
        for signal, distances in self.distances(corruption).items():
            hidden = [s for s, far in zip(SEVERITIES, distances, strict=True) if far < SEEN]
            first = max(hidden, default=0) + 1
            if first in SEVERITIES:
                found[signal] = first
        return found


def _signals(images: Pixels, outputs: Outputs) -> Values:
    """`(N, S)`: a column for each `Signal`."""
    height, width, channels = images.shape[1:]
    spec = ImageSpec(height, width, 1 if channels == 1 else 3)
    rows = []
    for number, prepared in enumerate(prepare_images(list(images), spec)):
        assert not isinstance(prepared, ImageError)  # noqa: S101 (they are as prepare_image made)
        statistics = prepared.statistics
        rows.append(
            (
                statistics.brightness,
                statistics.contrast,
                statistics.sharpness,
                statistics.saturation,
                outputs.ood_score[number],
                outputs.probabilities[number].max(),
            )
        )
    return np.array(rows, dtype=np.float64)


def _distance(one: Values, other: Values) -> float:
    """Largest distance of two empirical distribution functions."""
    places = np.concatenate([one, other])
    shares = [
        np.searchsorted(np.sort(each), places, side="right") / len(each) for each in (one, other)
    ]
    return float(np.abs(shares[0] - shares[1]).max())
