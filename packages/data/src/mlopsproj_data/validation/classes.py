"""What is wrong with classes as a whole: empty, rare, or missing where they are needed.

Knows nothing of single images.
"""

from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np
import numpy.typing as npt

from mlopsproj_data.records import LabelledSource
from mlopsproj_data.sources.printing import listed, plural
from mlopsproj_data.splits import SPLITS
from mlopsproj_data.validation.columns import Columns
from mlopsproj_data.validation.findings import Finding, Offender, Severity

FEWEST_IMAGES: Final = 20
"""Of a class: with fewer, about two are validated and three tested, which proves nothing."""

MOST_SKEW: Final = 10.0
"""The largest class trains on so many times the images of the smallest."""

_TRAIN, _TEST = 0, 2


def class_counts(columns: Columns, classes: int) -> npt.NDArray[np.int64]:
    """`(classes, 3)` kept images of each class in train, validation and test."""
    rows = columns.rows
    cells = columns.labels[rows] * len(SPLITS) + columns.splits[rows]
    counts = np.bincount(cells, minlength=classes * len(SPLITS))
    return counts.reshape(classes, len(SPLITS))


def empty_classes(columns: Columns, source: LabelledSource) -> Iterator[Finding]:
    """Classes without any image, or with none that can be used."""
    there = np.bincount(columns.labels, minlength=len(source.classes))
    usable = class_counts(columns, len(source.classes)).sum(axis=1)
    empty = np.flatnonzero(there == 0)
    if empty.size:
        yield _about_classes(
            "empty class",
            "no image: add some, or remove it",
            ((source.classes[label], "no image") for label in empty),
        )
    useless = np.flatnonzero((there > 0) & (usable == 0))
    if useless.size:
        yield _about_classes(
            "class without usable image",
            "no image that can be used: mend them, as said of each, or remove the class",
            (
                (source.classes[label], f"{plural(int(there[label]), 'image')}, none usable")
                for label in useless
            ),
        )


def untrained_classes(columns: Columns, source: LabelledSource) -> Iterator[Finding]:
    """Classes that are asked for and never learned."""
    counts = class_counts(columns, len(source.classes))
    labels = np.flatnonzero((counts[:, _TRAIN] == 0) & (counts.sum(axis=1) > 0))
    if labels.size and counts[:, _TRAIN].any():
        rows = columns.rows
        yield _about_classes(
            "class not in train",
            "images to judge by but none to train on: add some, or remove the class",
            ((source.classes[label], _said(counts[label])) for label in labels),
            dropped=rows[np.isin(columns.labels[rows], labels)],
        )


def too_few_classes(columns: Columns, source: LabelledSource) -> Iterator[Finding]:
    """Fewer than two classes, or none at all: leaving something out mends nothing."""
    usable = class_counts(columns, len(source.classes)).sum(axis=1)
    left = np.flatnonzero(usable)
    if left.size == 0:
        yield Finding(
            "no usable image",
            Severity.error,
            f"The data set {source.name} has no image that can be used: mend what is said of the"
            " others, or give another data.path.",
            (),
            droppable=False,
        )
    elif left.size == 1:
        name = source.classes[left[0]]
        yield Finding(
            "one class only",
            Severity.error,
            f"The data set {source.name} has usable images of one class only ({name}): add images"
            " of a second one, since a model tells two or more apart.",
            (Offender(name, plural(int(usable[left[0]]), "image")),),
            droppable=False,
        )


def empty_splits(columns: Columns, source: LabelledSource) -> Iterator[Finding]:
    """Splits without any image, though there are usable ones."""
    counts = class_counts(columns, len(source.classes)).sum(axis=0)
    empty = [name for name, count in zip(SPLITS, counts, strict=True) if not count]
    if empty and counts.any():
        yield Finding(
            "empty split",
            Severity.error,
            f"No image is left for {' and '.join(empty)}: add images, or set"
            " data.validation_fraction so that all of train, validation and test get some.",
            tuple(Offender(name, "no image") for name in empty),
            droppable=False,
        )


def rare_classes(columns: Columns, source: LabelledSource) -> Iterator[Finding]:
    """Classes with images, but few; and those that the test says nothing of."""
    counts = class_counts(columns, len(source.classes))
    images = counts.sum(axis=1)
    rare = np.flatnonzero((images > 0) & (images < FEWEST_IMAGES))
    if rare.size:
        yield _about_classes(
            "too few images",
            f"fewer than {FEWEST_IMAGES} images, too few to learn from and to judge by: add some",
            ((source.classes[label], _said(counts[label])) for label in rare),
            severity=Severity.warning,
        )
    untested = np.flatnonzero((counts[:, _TRAIN] > 0) & (counts[:, _TEST] == 0))
    if untested.size:
        yield _about_classes(
            "class not in test",
            "no image in the test set, which so says nothing of it: add some",
            ((source.classes[label], _said(counts[label])) for label in untested),
            severity=Severity.warning,
        )


def skewed_classes(columns: Columns, source: LabelledSource) -> Iterator[Finding]:
    """Classes that training hardly sees beside the others."""
    counts = class_counts(columns, len(source.classes))[:, _TRAIN]
    largest = int(counts.max(initial=0))
    labels = np.flatnonzero((counts > 0) & (counts * MOST_SKEW <= largest))
    if labels.size:
        yield _about_classes(
            "skewed classes",
            f"at most a tenth of the training images of {source.classes[counts.argmax()]}, which"
            f" has {largest:,}: set data.balanced_sampling=true, or add images",
            (
                (source.classes[label], f"{plural(int(counts[label]), 'image')} in train")
                for label in labels
            ),
            severity=Severity.warning,
        )


def _about_classes(
    check: str,
    lack: str,
    classes: Iterable[tuple[str, str]],
    *,
    severity: Severity = Severity.error,
    dropped: npt.NDArray[np.int64] | None = None,
) -> Finding:
    """A finding on classes, given as name and detail, that have what `lack` says."""
    offenders = tuple(Offender(name, detail) for name, detail in classes)
    names = listed([each.origin for each in offenders])
    verb = "has" if len(offenders) == 1 else "have"
    return Finding(
        check,
        severity,
        f"{plural(len(offenders), 'class', 'classes')} ({names}) {verb} {lack}.",
        offenders,
        () if dropped is None else tuple(dropped.tolist()),
    )


def _said(counts: npt.NDArray[np.int64]) -> str:
    return ", ".join(f"{count:,} in {name}" for name, count in zip(SPLITS, counts, strict=True))
