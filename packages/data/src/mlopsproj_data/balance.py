"""Splits for all images of a source: by their hashes, and balanced for classes that are too rare.

Every class with three groups (images, where there are none) gets one in each of train, validation
and test, with two in train and test, with one in train: the group nearest to the other side is
moved. A group of several classes is moved only if that leaves the other classes theirs. A choice
that was recorded is never made anew, and those that later images could change are given to be
recorded. Knows nothing of files.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from mlopsproj_data.split_ledger import Choices
from mlopsproj_data.splits import (
    TEST,
    TEST_CHOICE,
    TEST_FRACTION,
    TRAIN,
    VALIDATION,
    position,
    validation_choice,
)

_RARE: Final = 3
"""Groups of a class; with fewer, one more changes what it needs."""

Flags = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Division:
    """Which split each image belongs to.

    Attributes:
        splits: `(N,)` text, null for images that are not used.
        choices: to be recorded, so that later images move none of these.
    """

    splits: pa.Array
    choices: Choices


def divide(table: pa.Table, used: Flags, validation_fraction: float, recorded: Choices) -> Division:
    """Choose the split of every image that is used.

    Args:
        table: with the columns id, label, given and group of `EXAMINED`.
        used: `(N,)`, which rows are divided.
        validation_fraction: of the images that are not for testing.
        recorded: choices that were made before.
    """
    gives = set(pc.unique(table["given"]).to_pylist())
    part = table.filter(pa.array(used))
    images = _Images.of(part)
    splits: npt.NDArray[Any] = images.given.copy()
    splits[splits == TRAIN] = None
    choices: dict[tuple[str, str], bool] = {}

    free = images.given == None  # noqa: E711 (an array of objects)
    left = 1 if VALIDATION in gives else 2
    far, start = images.points, 1 - TEST_FRACTION
    test = _Choice(TEST_CHOICE, far >= start, np.abs(far - start), left, TEST not in gives)
    splits[free & _made(test, images, free, recorded, choices)] = TEST

    rest = splits == None  # noqa: E711 (an array of objects)
    if VALIDATION not in gives:
        near, end = np.where(images.whole, far / start, far), validation_fraction
        validation = _Choice(validation_choice(end), near < end, np.abs(near - end), 1)
        splits[rest & _made(validation, images, rest, recorded, choices)] = VALIDATION
    splits[splits == None] = TRAIN  # noqa: E711 (an array of objects)

    everywhere = np.full(len(used), None, dtype=object)
    everywhere[used] = splits
    return Division(pa.array(everywhere, pa.string()), choices)


def with_splits(table: pa.Table, splits: pa.Array) -> pa.Table:
    """The same table with these splits."""
    return table.set_column(table.schema.get_field_index("split"), "split", splits)


@dataclass(frozen=True)
class _Images:
    """Images and the keys that decide on them: groups, or ids.

    Attributes:
        names: of the keys.
        groups: `(keys,)`, which keys are groups.
        points: `(keys,)` positions, 0 to 1.
        whole: `(keys,)`, which keys are divided between all three splits.
        keys: `(images,)` index of the key of each.
        labels: `(images,)`.
        given: `(images,)` split, or None; the same for all images of a group, if any is given.
    """

    names: list[str]
    groups: Flags
    points: npt.NDArray[np.float64]
    whole: Flags
    keys: Numbers
    labels: Numbers
    given: npt.NDArray[Any]

    @classmethod
    def of(cls, table: pa.Table) -> "_Images":
        named = pc.if_else(pc.equal(table["group"], ""), None, table["group"])
        coded = pc.coalesce(named, table["id"]).combine_chunks().dictionary_encode()
        names, keys = coded.dictionary.to_pylist(), coded.indices.to_numpy().astype(np.int64)
        given = table["given"].to_numpy().astype(object)
        # What stands last counts: a test image is never trained on.
        own = np.full(len(names), None, dtype=object)
        for split in (VALIDATION, TRAIN, TEST):
            own[keys[given == split]] = split
        open_ = given == None  # noqa: E711 (an array of objects)
        given[open_] = own[keys[open_]]
        groups = np.zeros(len(names), dtype=np.bool_)
        groups[keys[named.is_valid().to_numpy()]] = True
        return cls(
            names=names,
            groups=groups,
            points=np.array([position(name) for name in names], dtype=np.float64),
            whole=own == None,  # noqa: E711 (an array of objects)
            keys=keys,
            labels=table["label"].to_numpy(),
            given=given,
        )


@dataclass(frozen=True)
class _Choice:
    """A choice to be made for some keys: taken, or left.

    Attributes:
        name: under which it is recorded.
        taken: `(keys,)` by their hashes.
        distances: `(keys,)` from the other side.
        left: how many keys of a class with three of them are left at least.
        balanced: whether rare classes are provided for.
    """

    name: str
    taken: Flags
    distances: npt.NDArray[np.float64]
    left: int
    balanced: bool = True


def _made(
    choice: _Choice,
    images: _Images,
    rows: Flags,
    recorded: Choices,
    choices: dict[tuple[str, str], bool],
) -> Flags:
    """Make a choice for the keys of some images; which images are taken."""
    taken = choice.taken.copy()
    known = np.zeros(len(taken), dtype=np.bool_)
    if recorded:
        for key in np.unique(images.keys[rows]):
            before = recorded.get((choice.name, images.names[key]))
            if before is not None:
                taken[key], known[key] = before, True
    if choice.balanced and rows.any():
        scales = _Scales.of(images.labels[rows], images.keys[rows], taken, choice.left)
        rare = scales.rare()
        scales.balance(rare, np.where(known, np.inf, choice.distances))
        lasting = np.isin(scales.labels, rare) | images.groups[scales.keys]
        for key in np.unique(scales.keys[lasting]):
            if not known[key]:
                choices[choice.name, images.names[key]] = bool(taken[key])
    return taken[images.keys]


@dataclass(frozen=True)
class _Scales:
    """How many keys of each class are taken and left, and how many it needs.

    Attributes:
        labels: `(pairs,)` classes, ascending.
        keys: `(pairs,)` a key of each.
        taken: `(keys,)`, changed by balancing.
        counts: `(classes, 2)` keys left and taken, changed by balancing.
        needs: `(classes, 2)`.
    """

    labels: Numbers
    keys: Numbers
    taken: Flags
    counts: Numbers
    needs: Numbers

    @classmethod
    def of(cls, labels: Numbers, keys: Numbers, taken: Flags, left: int) -> "_Scales":
        pairs = np.unique(np.stack([labels, keys], axis=1), axis=0)
        labels, keys = pairs[:, 0], pairs[:, 1]
        size = int(labels[-1]) + 1
        counts = np.bincount(labels * 2 + taken[keys], minlength=size * 2).reshape(size, 2)
        both = counts.sum(axis=1)
        needs = np.stack([np.minimum(both, np.where(both >= _RARE, left, 1)), both > 1], axis=1)
        return cls(labels, keys, taken, counts, needs.astype(np.int64))

    def rare(self) -> Numbers:
        """Classes that lack something, or would need more with one more key; rarest first."""
        both = self.counts.sum(axis=1)
        lacking = (self.counts < self.needs).any(axis=1)
        rare = np.flatnonzero((both > 0) & (lacking | (both < _RARE)))
        return rare[np.argsort(both[rare], kind="stable")]

    def balance(self, rare: Numbers, distances: npt.NDArray[np.float64]) -> None:
        """Move the nearest keys, as long as that takes nothing from other classes."""
        for label in rare:
            members = self.keys[self.labels == label]
            members = members[np.argsort(distances[members], kind="stable")]
            for side in (0, 1):
                for key in members[np.isfinite(distances[members])]:
                    if self.counts[label, side] >= self.needs[label, side]:
                        break
                    self._move(key, side)

    def _move(self, key: np.int64, side: int) -> None:
        """Move a key to a side, unless it is there or a class needs it where it is."""
        classes = self.labels[self.keys == key]
        other = 1 - side
        spare = self.counts[classes, other] > self.needs[classes, other]
        if int(self.taken[key]) != side and spare.all():
            self.taken[key] = bool(side)
            self.counts[classes, other] -= 1
            self.counts[classes, side] += 1
