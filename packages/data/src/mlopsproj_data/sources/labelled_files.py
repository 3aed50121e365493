"""Files with the names of their classes, as a labelled source.

Knows nothing of how the files were found.
"""

import hashlib
import json
import re
import statistics
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from mlopsproj_core.image import ImageSpec
from PIL import Image, ImageMode

from mlopsproj_data.records import LabelledSource, Record, SourceIssue
from mlopsproj_data.splits import TEST, TRAIN

_LOOKED_AT: Final = 64
"""Files whose headers say which pixels suit all."""

_SMALLEST_SIDE: Final = 28
_SMALL_STEP: Final = 4
_PHOTO: Final = 64
"""Shorter side from which images are photos."""

_PHOTO_SIDES: Final = (96, 160)
_PHOTO_STEP: Final = 32

_FORMATS: Final = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF")


@dataclass(frozen=True, slots=True)
class LabelledFile:
    """An image file and what is said of it.

    Attributes:
        path: where it lies.
        name: how it is called in the source: its path from the source's folder on, or its URL.
        size: in bytes.
        modified: time of its last change, in nanoseconds.
        label: name of its class.
        split: "train", "validation" or "test" where the source says so.
        group: what must not be divided between splits, if anything.
        origin: where it lies, for people.
    """

    path: Path
    name: str
    size: int
    modified: int
    label: str
    split: str | None
    group: str | None
    origin: str


def file_source(
    files: Sequence[LabelledFile],
    *,
    name: str,
    description: str,
    issues: Sequence[SourceIssue],
    classes: Sequence[str],
) -> LabelledSource:
    """A source of labelled files.

    A source that gives no test images gives no training images either: the test images are then
    taken from them by the hash.

    Args:
        files: in the order of the records.
        name: of the data set.
        description: what was recognised.
        issues: what could not become a labelled file.
        classes: names, in the order of the labels; one may have no file.
    """
    labels = {label: index for index, label in enumerate(classes)}
    tested = any(file.split == TEST for file in files)
    records = [
        Record(
            file.path,
            labels[file.label],
            file.split if tested or file.split != TRAIN else None,
            file.group,
            file.origin,
        )
        for file in files
    ]
    return LabelledSource(
        name=name,
        classes=tuple(classes),
        spec=suitable_spec([file.path for file in files]),
        count=len(records),
        signature=_signature(files, issues),
        records=lambda: iter(records),
        description=description,
        issues=tuple(issues),
    )


def in_order(labels: Iterable[str]) -> tuple[str, ...]:
    """Names of classes: numbers by their value, others as people sort them (`a2` before `a10`)."""
    names = list(labels)
    try:
        return tuple(sorted(names, key=lambda name: (float(name), name)))
    except ValueError:
        return tuple(sorted(names, key=_natural))


def _natural(name: str) -> tuple[list[tuple[int, int, str]], str]:
    # Digits come before letters; isdecimal alone would accept superscripts, which int refuses.
    parts = re.split(r"([0-9]+)", name.casefold())
    return [(0, int(p), "") if p.isdecimal() else (1, 0, p) for p in parts if p], name


def suitable_spec(paths: Sequence[Path]) -> ImageSpec:
    """The pixels that suit image files, from the headers of a few of them, spread evenly.

    The side is the median of the shorter sides: of small images, at least 28 and rounded down to a
    multiple of 4; of photos (64 pixels or more), 96 to 160 and rounded down to a multiple of 32,
    which networks halve without a rest. Larger ones take longer than they gain: of photos of 300
    pixels, 160 tell a network as much as 224 do. Grey if all are; 160 and colour where no header
    can be read.
    """
    step = max(1, -(-len(paths) // _LOOKED_AT))
    headers = [header for path in paths[::step] if (header := _header(path))]
    if not headers:
        return ImageSpec(_PHOTO_SIDES[1], _PHOTO_SIDES[1], 3)
    median = statistics.median_low(side for side, _ in headers)
    if median < _PHOTO:
        side = max(_SMALLEST_SIDE, median // _SMALL_STEP * _SMALL_STEP)
    else:
        smallest, largest = _PHOTO_SIDES
        side = min(largest, max(smallest, median // _PHOTO_STEP * _PHOTO_STEP))
    channels: Literal[1, 3] = 1 if all(grey for _, grey in headers) else 3
    return ImageSpec(side, side, channels)


def _header(path: Path) -> tuple[int, bool] | None:
    """Shorter side in pixels, and whether it is grey; None for what cannot be read."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a size that is refused later, with its name
            with Image.open(path, formats=_FORMATS) as image:
                return min(image.size), ImageMode.getmode(image.mode).basemode == "L"
    except Exception:  # noqa: BLE001 (Pillow raises whatever it meets; the checks name the file)
        return None


def _signature(files: Sequence[LabelledFile], issues: Sequence[SourceIssue]) -> str:
    """Of names, sizes, times and labels; what cannot be used is part of what is prepared."""
    digest = hashlib.sha256()
    for file in files:
        row = (file.name, file.size, file.modified, file.label, file.split, file.group)
        digest.update(json.dumps(row).encode() + b"\n")
    for issue in issues:
        digest.update(json.dumps([issue.check, issue.origin, issue.detail]).encode() + b"\n")
    return digest.hexdigest()
