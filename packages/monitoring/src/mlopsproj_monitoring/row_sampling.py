"""Some rows out of any number, each as likely as any other, whatever their order.

Rows are chosen by a hash of their ids, so that two parts of a window give what the whole would.
Knows nothing of what the rows are for.
"""

import zlib
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from mlopsproj_monitoring.sample import Sample

MOST_ROWS: Final = 5000
"""As many as a reference has."""

_SALT: Final = 0x5EED


class RowSampling:
    """The rows with the smallest hashes (a bottom-k sample; Cohen & Kaplan 2007)."""

    def __init__(self, most: int = MOST_ROWS) -> None:
        """Of no row.

        Args:
            most: rows that are kept.
        """
        self._most = most
        self._parts: list[Sample] = []
        self._hashes: list[npt.NDArray[np.uint32]] = []
        self._waiting = 0
        self._limit = 2**32

    def add(self, sample: Sample) -> None:
        """Choose among some more rows."""
        self._add(sample, _hashes(sample))

    def merge(self, other: Self) -> None:
        """Choose among the rows of another part."""
        for sample, hashes in zip(other._parts, other._hashes, strict=True):
            self._add(sample, hashes)

    def rows(self) -> Sample | None:
        """Those chosen, by their hashes; None if there was none."""
        self._compact()
        return self._parts[0] if self._parts else None

    def _add(self, sample: Sample, hashes: npt.NDArray[np.uint32]) -> None:
        chosen = np.flatnonzero(hashes < self._limit)
        if not len(chosen):
            return
        self._parts.append(sample.take(chosen))
        self._hashes.append(hashes[chosen])
        self._waiting += len(chosen)
        if self._waiting > 2 * self._most:
            self._compact()

    def _compact(self) -> None:
        if not self._parts:
            return
        hashes = np.concatenate(self._hashes)
        order = np.argsort(hashes, kind="stable")[: self._most]
        self._parts = [Sample.joined(self._parts).take(order)]
        self._hashes = [hashes[order]]
        self._waiting = len(order)
        if self._waiting == self._most:
            self._limit = int(self._hashes[0][-1])


def _hashes(sample: Sample) -> npt.NDArray[np.uint32]:
    return np.fromiter(
        (zlib.crc32(id_.encode(), _SALT) for id_ in sample.ids), np.uint32, len(sample)
    )
