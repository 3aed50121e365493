"""Keeps what a model said of some spoilt images while it is run over all of them.

So that the run, which costs more than all else, is done once. Knows nothing of files.
"""

import hashlib
from typing import Final

import numpy as np
import numpy.typing as npt
from mlopsproj_core.errors import DataError
from mlopsproj_core.image import Pixels
from mlopsproj_core.labelled import LabelledImages
from mlopsproj_core.outputs import Floats, Outputs

from mlopsproj_evaluation.corruptions.catalogue import CORRUPTIONS
from mlopsproj_evaluation.perturbed import Perturbed
from mlopsproj_evaluation.robustness.measuring import choose_images
from mlopsproj_evaluation.robustness.outcomes import CLEAN

MAX_ROWS: Final = 5000

_NAMES = (CLEAN, *CORRUPTIONS)
_FAMILIES = (CLEAN, *(each.family.value for each in CORRUPTIONS.values()))


class PerturbedRecorder:
    """Keeps some answers of a measurement: give `observe` to `measure_robustness`.

    Each image is kept as it was, and under as many corruptions as there is room for. Which of them
    hangs on its content id alone. An answer that is no number is left out.
    """

    def __init__(self, images: LabelledImages) -> None:
        """Choose what will be kept.

        Args:
            images: that are measured, as many as `measure_robustness` takes unless told otherwise.

        Raises:
            DataError: if there is none.
        """
        rows = choose_images(images)
        self._ids = [images.ids[row] for row in rows]
        self._labels = images.labels[rows]
        spoilt = max(0, MAX_ROWS // len(rows) - 1)
        self._kept = [{CLEAN, *_chosen(image_id, spoilt)} for image_id in self._ids]
        self._pieces: list[tuple[int, int, npt.NDArray[np.int64], Floats, Floats]] = []

    def observe(
        self,
        corruption: str,
        severity: int,
        places: npt.NDArray[np.int64],
        images: Pixels,  # noqa: ARG002 (what an observer is told)
        outputs: Outputs,
    ) -> None:
        """Keep what was chosen of a batch; see `Observer`."""
        kept = np.array([corruption in self._kept[place] for place in places], dtype=bool)
        kept &= np.isfinite(outputs.probabilities).all(axis=1)
        if kept.any():
            answers = outputs.probabilities[kept], outputs.ood_score[kept]
            self._pieces.append((_NAMES.index(corruption), severity, places[kept], *answers))

    def answers(self) -> Perturbed:
        """What was kept, ordered by image and then by corruption.

        Raises:
            DataError: if nothing was observed, or the graph gives no probabilities.
        """
        if not self._pieces:
            raise DataError("Nothing was observed: measure a model with this recorder first.")
        columns, severities, places, probabilities, ood_score = zip(*self._pieces, strict=True)
        counts = [len(at) for at in places]
        column, at = np.repeat(columns, counts), np.concatenate(places)
        order = np.lexsort((column, at))
        return Perturbed(
            ids=tuple(self._ids[place] for place in at[order]),
            corruptions=tuple(_NAMES[number] for number in column[order]),
            families=tuple(_FAMILIES[number] for number in column[order]),
            severities=np.repeat(severities, counts)[order].astype(np.int8),
            labels=self._labels[at[order]],
            probabilities=np.concatenate(probabilities)[order],
            ood_score=np.concatenate(ood_score)[order],
        )


def _chosen(image_id: str, count: int) -> list[str]:
    """The corruptions that an image is kept under."""
    return sorted(CORRUPTIONS, key=lambda name: _hash(image_id, name))[:count]


def _hash(image_id: str, name: str) -> bytes:
    return hashlib.sha256(f"perturbed {name}\n{image_id}".encode()).digest()
