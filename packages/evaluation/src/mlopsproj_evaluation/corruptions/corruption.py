"""What a corruption is: how it is made, what it stands for, and what should notice it.

Knows none by name.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from mlopsproj_core.image import Pixels

from mlopsproj_evaluation.corruptions.draws import Draws

SEVERITIES: Final = (1, 2, 3, 4, 5)

Corrupter = Callable[[Pixels, Draws, float], Pixels]
"""Makes a spoilt copy of one image, `(height, width, channels)` uint8, by a strength."""


class Family(StrEnum):
    """Where a corruption comes from."""

    noise = "noise"
    blur = "blur"
    weather = "weather"
    light = "light"
    digital = "digital"
    placement = "placement"


class Signal(StrEnum):
    """What a drift detector may watch.

    The first four are those of `mlopsproj_core.image.ImageStatistics`; the embedding is watched
    by its distance from the training data (`ood_score`); confidence is the largest probability.
    """

    brightness = "brightness"
    contrast = "contrast"
    sharpness = "sharpness"
    saturation = "saturation"
    embedding = "embedding"
    confidence = "confidence"


@dataclass(frozen=True)
class Corruption:
    """One way in which an image is spoilt.

    Attributes:
        name: that it is asked for by.
        family: where it comes from.
        meaning: what it stands for, in half a sentence.
        signals: that it moves whatever the images show, at severity 5 at the latest: a drift
            detector that watches one of them should see it.
        strengths: of severities 1 to 5, in the unit of `apply`.
        apply: spoils one image.
    """

    name: str
    family: Family
    meaning: str
    signals: tuple[Signal, ...]
    strengths: tuple[float, float, float, float, float]
    apply: Corrupter
