"""What two models said of the same images, side by side.

Knows nothing of verdicts.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from mlopsproj_core.errors import DataError

from mlopsproj_evaluation.scores import Scores


@dataclass(frozen=True, eq=False)
class Pairs:
    """The images that two models were judged on and that count, in one order, under one label.

    Attributes:
        candidate: N scores of the one that wants to take the place.
        champion: N scores of the one that holds it.
        excluded: images that both were judged on and that do not count.
    """

    candidate: Scores
    champion: Scores
    excluded: int

    def __len__(self) -> int:
        return len(self.candidate)

    @property
    def gained(self) -> npt.NDArray[np.bool_]:
        """`(N,)`: whether only the candidate is right."""
        return self.candidate.correct & ~self.champion.correct

    @property
    def lost(self) -> npt.NDArray[np.bool_]:
        """`(N,)`: whether only the champion is right."""
        return self.champion.correct & ~self.candidate.correct


def pair(
    candidate: Scores, champion: Scores, *, exclude_ids: npt.NDArray[np.uint64] | None = None
) -> Pairs:
    """Find the images that both were judged on, under the candidate's labels.

    Args:
        candidate: scores of the one that wants to take the place.
        champion: scores of the one that holds it.
        exclude_ids: first eight bytes of the ids of images that do not count, such as those
            that the champion was trained on.

    Raises:
        DataError: if they tell different numbers of classes apart.
    """
    classes = [scores.probabilities.shape[1] for scores in (candidate, champion)]
    if classes[0] != classes[1]:
        raise DataError(
            f"The candidate tells {classes[0]} classes apart and the champion {classes[1]}:"
            " compare models of the same classes."
        )
    rows = {name: row for row, name in enumerate(champion.ids)}
    common = np.array([name in rows for name in candidate.ids], dtype=bool)
    counts = common.copy()
    if exclude_ids is not None:
        counts &= ~np.isin(candidate.short_ids, exclude_ids)
    ours_at = np.flatnonzero(counts)
    ids = tuple(candidate.ids[row] for row in ours_at)
    theirs_at = np.array([rows[name] for name in ids], dtype=np.int64)
    # A label that was corrected since the champion was judged counts for both.
    labels = candidate.labels[ours_at]
    return Pairs(
        candidate=Scores(ids, labels, candidate.probabilities[ours_at]),
        champion=Scores(ids, labels, champion.probabilities[theirs_at]),
        excluded=int(common.sum()) - len(ours_at),
    )
