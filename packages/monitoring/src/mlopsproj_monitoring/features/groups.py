"""Groups of categories, such that each is frequent enough in the reference for its share to count.

For classes that are predicted and for modes of images. Knows nothing of windows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from mlopsproj_monitoring.features.bins import RARE


@dataclass(frozen=True, eq=False)
class Groups:
    """Groups of the categories 0 to C - 1.

    Attributes:
        of_category: `(C,)`: the group of each; `count` if it is rare.
        count: of the groups.
    """

    of_category: npt.NDArray[np.intp]
    count: int

    @classmethod
    def fit(cls, counts: npt.NDArray[np.integer]) -> Self:
        """By the reference.

        A category that at least `RARE` images show is a group of its own. The others are put
        together in their order until enough show one of them; what is left over is rare.

        Args:
            counts: `(C,)`: images of the reference that show each.
        """
        of_category = np.empty(len(counts), np.intp)
        count, waiting, shown = 0, [], 0
        for category, images in enumerate(counts.tolist()):
            if images >= RARE:
                of_category[category] = count
                count += 1
                continue
            waiting.append(category)
            shown += images
            if shown >= RARE:
                of_category[waiting] = count
                count, waiting, shown = count + 1, [], 0
        of_category[waiting] = count
        return cls(of_category, count)

    def numbers(self, categories: npt.NDArray[np.integer]) -> npt.NDArray[np.intp]:
        """`(N,)`: the group of each category, `count` where it is rare."""
        found: npt.NDArray[np.intp] = self.of_category[categories]
        return found


def category_numbers(values: Sequence[str], known: Sequence[str]) -> npt.NDArray[np.intp]:
    """`(N,)`: the place of each text among those that are known; their number if it is not."""
    places = {value: place for place, value in enumerate(known)}
    return np.fromiter((places.get(value, len(known)) for value in values), np.intp, len(values))
