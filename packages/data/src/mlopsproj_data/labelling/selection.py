"""Which candidates are most worth a label: uncertain or strange ones that are unlike each other.

Each candidate is weighted by how it ranks among all predictions of the log: of its margin and of
its OOD score, whichever says more. Then, one after the other, the candidate is taken whose weight
times its distance from what was taken before is largest: farthest first (Gonzalez 1985; for deep
networks Sener & Savarese 2018, arXiv:1708.00489), on embeddings of unit length, so that nothing
counts for being large. Near copies of one image are taken once. Knows nothing of databases.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from mlopsproj_data.labelling.candidates import Candidate, Candidates

Floats = npt.NDArray[np.float64]

UNCERTAIN: Final = "uncertain"
STRANGE: Final = "out of distribution"

_NEAR_COPY: Final = 1e-3
"""Distance of embeddings of unit length below which two images are one to the model; the float16 of
the log keeps about 5e-4."""


@dataclass(frozen=True, slots=True)
class Selected:
    """A prediction that is worth a label.

    Attributes:
        candidate: the prediction.
        reason: `UNCERTAIN` or `STRANGE`, whichever says more.
        share: of the log's predictions that are less so, 0 to 1.
        distance: from the nearest that was selected before, 0 to 2; 2 for the first.
    """

    candidate: Candidate
    reason: str
    share: float
    distance: float


def select(candidates: Candidates, count: int) -> tuple[Selected, ...]:
    """Choose so many, the best first; fewer where the rest are near copies of these.

    Args:
        candidates: to choose from; of one version of a model.
        count: at most.
    """
    found = candidates.found
    if not found:
        return ()
    uncertain = 1 - _below(candidates.margins, [each.margin for each in found], or_equal=True)
    strange = _below(candidates.ood_scores, [each.ood_score for each in found])
    weights = np.maximum(uncertain, strange)
    embeddings = _unit([each.embedding for each in found])
    distances = np.full(len(found), 2.0)
    chosen: list[Selected] = []
    for _ in range(min(count, len(found))):
        # Of equal ones the first: candidates are in the order of their images' hashes.
        best = int(np.argmax((weights + np.finfo(float).eps) * distances))
        if distances[best] <= _NEAR_COPY:
            break
        reason = STRANGE if strange[best] > uncertain[best] else UNCERTAIN
        share, distance = float(weights[best]), float(distances[best])
        chosen.append(Selected(found[best], reason, share, distance))
        apart = np.linalg.norm(embeddings - embeddings[best], axis=1)
        distances = np.minimum(distances, apart)
        distances[best] = 0.0
    return tuple(chosen)


def _below(ascending: Floats, values: Sequence[float], *, or_equal: bool = False) -> Floats:
    """For each value the share of a sample that is below it; 0 for NaN, or without a sample."""
    numbers = np.asarray(values, dtype=np.float64)
    if not len(ascending):
        return np.full(len(numbers), float(or_equal))
    places = np.searchsorted(ascending, numbers, side="right" if or_equal else "left")
    return np.where(np.isnan(numbers), 0.0, places / len(ascending))


def _unit(embeddings: Sequence[npt.NDArray[np.float16]]) -> Floats:
    """Of unit length; zero, or what is no number, stays zero."""
    stacked = np.nan_to_num(np.stack(embeddings).astype(np.float64), posinf=0.0, neginf=0.0)
    norms = np.linalg.norm(stacked, axis=1, keepdims=True)
    return stacked / np.where(norms > 0, norms, 1.0)
