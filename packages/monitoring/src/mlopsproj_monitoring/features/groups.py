"""Groups of categories, such that each is frequent enough in the reference for its share to count.

For classes that are predicted and for modes of images. Knows nothing of windows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import numpy.typing as npt

ALONE: Final = 30
"""Images of the reference that make a category a group of its own."""

TOGETHER: Final = 20
"""Images that a group of other categories is shown by on average."""

FEWEST: Final = 10
"""Images that show a group; what is shown by fewer is rare."""


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

        What many images show is a group of its own. The others are put together in their order,
        about as many categories in each group, whatever the count of each one: were those groups
        of their own that are shown often enough, they would be those that are shown so often by
        chance, and every window would seem to show them less.

        Args:
            counts: `(C,)`: images of the reference that show each.
        """
        of_category = np.empty(len(counts), np.intp)
        frequent, others = np.flatnonzero(counts >= ALONE), np.flatnonzero(counts < ALONE)
        of_category[frequent] = np.arange(len(frequent))
        count, rare = len(frequent), []
        for together in np.array_split(others, max(1, int(counts[others].sum()) // TOGETHER)):
            if counts[together].sum() < FEWEST:
                rare.append(together)
                continue
            of_category[together] = count
            count += 1
        for together in rare:
            of_category[together] = count
        return cls(of_category, count)

    def numbers(self, categories: npt.NDArray[np.integer]) -> npt.NDArray[np.intp]:
        """`(N,)`: the group of each category, `count` where it is rare."""
        found: npt.NDArray[np.intp] = self.of_category[categories]
        return found


def category_numbers(values: Sequence[str], known: Sequence[str]) -> npt.NDArray[np.intp]:
    """`(N,)`: the place of each text among those that are known; their number if it is not."""
    places = {value: place for place, value in enumerate(known)}
    return np.fromiter((places.get(value, len(known)) for value in values), np.intp, len(values))
