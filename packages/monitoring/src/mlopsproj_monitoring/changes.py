"""What changed, in words: of a drift, the strongest first.

Knows nothing of tests.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from mlopsproj_monitoring.features.feature_map import (
    CLASSES,
    MISSING,
    MODE,
    RARE_CLASSES,
    RARE_MODES,
    UNUSUAL_EMBEDDING,
)
from mlopsproj_monitoring.features.measurements import MEASURED
from mlopsproj_monitoring.sums import WindowSums

_CLASSES_TOLD: Final = 3
_SMALL: Final = 0.02
_MOST_ZEROS: Final = 7
"""Numbers with more of them are told with an exponent."""


@dataclass(frozen=True, eq=False)
class Change:
    """A detector's view in words.

    Attributes:
        name: of the detector.
        effect: of the detector.
    """

    name: str
    effect: float

    def words(
        self, window: WindowSums, reference: WindowSums, classes: Sequence[str]
    ) -> tuple[str, ...]:
        """One text for each thing that changed.

        Args:
            window: its sums.
            reference: sums of the reference.
            classes: their names.
        """
        if self.name in MEASURED:
            return (_number(self.name, window, reference),)
        if self.name == CLASSES:
            return _classes(window, reference, classes)
        share = _percent(self.effect)
        texts = {
            MODE: f"the mode is another one for {share} of the images",
            RARE_MODES: f"{share} of the images have a mode that is rare in the reference",
            RARE_CLASSES: f"{share} of the images are given classes that are rare in the reference",
            UNUSUAL_EMBEDDING: f"{share} of the embeddings have what no reference image has",
            MISSING: f"{share} of the images lack statistics",
            "embedding": f"the embedding is distributed otherwise (MMD {self.effect:.2f})",
            "embedding classifier": (
                "a classifier tells the embedding from the reference's"
                f" (AUC {self.effect:.2f}, 0.50 is guessing)"
            ),
            "estimated accuracy": f"the estimated accuracy fell by {100 * self.effect:.1f} points",
            "accuracy": f"the accuracy of labelled images fell by {100 * self.effect:.1f} points",
        }
        what = self.name.removeprefix("rare ")
        rare = f"{share} of the images have a {what} that is rare in the reference"
        return (texts.get(self.name, rare),)


def _number(name: str, window: WindowSums, reference: WindowSums) -> str:
    place = MEASURED.index(name)
    now, before = (sums.measured[place] / max(1, sums.known[place]) for sums in (window, reference))
    label = {"ood_score": "the out-of-distribution score"}.get(name, name)
    if not window.known[place] or not reference.known[place]:
        share = window.known[place] / max(1, len(window))
        return f"{label} is known for {_percent(share)} of the images"
    was, became = _shown(before, now)
    if was == became:
        return f"{label} is distributed otherwise (mean {was} as before)"
    return f"{label} {'fell' if now < before else 'rose'} ({was} → {became})"


def _classes(window: WindowSums, reference: WindowSums, classes: Sequence[str]) -> tuple[str, ...]:
    now, before = window.predicted / len(window), reference.predicted / len(reference)
    order = np.argsort(-np.abs(now - before))[:_CLASSES_TOLD]
    told = [place for place in order if abs(now[place] - before[place]) >= _SMALL] or [order[0]]
    return tuple(
        f"class {classes[place]} is predicted for {_percent(now[place])} instead of"
        f" {_percent(before[place])}"
        for place in told
    )


def _percent(share: float) -> str:
    digits = 0 if share >= 0.1 or share == 0 else 1  # noqa: PLR2004 (below ten, one more digit)
    return f"{100 * share:.{digits}f} %"


def _shown(before: float, now: float) -> tuple[str, str]:
    """With two digits that count, or three where two do not tell them apart."""
    largest = max(abs(before), abs(now))
    size = math.floor(math.log10(largest)) if largest > 0 else 0
    digits = max(0, 1 - size), max(0, 2 - size)
    is_plain = -_MOST_ZEROS < size < _MOST_ZEROS
    for style in [f",.{count}f" for count in digits] if is_plain else (".1e", ".2e"):
        shown = f"{before:{style}}", f"{now:{style}}"
        if shown[0] != shown[1]:
            break
    return shown
