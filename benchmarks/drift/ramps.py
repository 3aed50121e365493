"""Streams that get worse little by little, and when somebody who looks at them alarms.

Knows nothing of detectors.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
from mlopsproj_monitoring import Sample

IMAGES: Final = 3000
"""In which severity rises from none to the highest."""

WINDOW: Final = 300
STEP: Final = 50
FALL: Final = 0.05


class Ramp:
    """One corruption whose severity rises evenly.

    Between two severities each image meets one of them, the nearer the likelier.

    Attributes:
        fall_at: images after which the accuracy of the next has fallen by five points; None if it
            never does.
        window_fall_at: images after which that of the latest window has: what somebody would see
            who had the labels.
    """

    def __init__(self, accuracies: Sequence[float]) -> None:
        """By the accuracy without it and at each severity."""
        places = np.linspace(0, len(accuracies) - 1, IMAGES + 1)
        at = np.interp(places, np.arange(len(accuracies)), accuracies)
        fallen = np.flatnonzero(at <= accuracies[0] - FALL)
        self.fall_at: int | None = int(fallen[0]) if len(fallen) else None
        before = np.full(WINDOW - 1, accuracies[0])
        of_window = np.convolve(np.append(before, at), np.full(WINDOW, 1 / WINDOW), "valid")
        seen = np.flatnonzero(of_window <= accuracies[0] - FALL)
        self.window_fall_at: int | None = int(seen[0]) if len(seen) else None
        self._highest = len(accuracies) - 1

    def stream(
        self, before: Sample, spoilt: Mapping[int, Sample], clean: Sample, *, seed: int
    ) -> Sample:
        """A window of images as they are, then the ramp.

        Args:
            before: the images that are spoilt, as they were.
            spoilt: the same by severity.
            clean: other images.
            seed: of the drawing.
        """
        generator = np.random.default_rng(seed)
        places = np.arange(IMAGES) / IMAGES * self._highest
        severities = np.floor(places + generator.random(IMAGES)).astype(np.int64)
        rows = generator.permutation(len(before))[:IMAGES]
        by_severity = {0: before, **spoilt}
        parts = [clean.take(generator.choice(len(clean), WINDOW, replace=False))]
        order = []
        for severity, sample in by_severity.items():
            met = np.flatnonzero(severities == severity)
            parts.append(sample.take(rows[met]))
            order.append(met)
        back = np.argsort(np.concatenate(order))
        return Sample.joined([parts[0], Sample.joined(parts[1:]).take(back)])


def first_alarm(stream: Sample, alarms: Callable[[Sample], bool]) -> int | None:
    """Images of the ramp that had come when a window of the latest alarmed first; None if none did.

    Args:
        stream: a window of images before the ramp, then the ramp.
        alarms: whether a window alarms.
    """
    for end in range(STEP, IMAGES + 1, STEP):
        if alarms(stream.take(np.arange(end, end + WINDOW))):
            return end
    return None
