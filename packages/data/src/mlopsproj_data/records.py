"""What every source gives: labelled images one by one, and how to know them again.

Knows nothing of files' formats or of how images are prepared.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlopsproj_core.image import ImageSpec, Pixels


@dataclass(frozen=True, eq=False, slots=True)
class Record:
    """One labelled image of a source.

    Attributes:
        image: path of an image file, which is read when it is needed; or the bytes of one; or
            uint8 `(height, width)` or `(height, width, channels)`.
        label: index into the classes.
        split: "train", "validation" or "test" where the source says so.
        group: what must not be divided between splits, if anything.
        origin: where it lies, for people.
    """

    image: Path | bytes | Pixels
    label: int
    split: str | None
    group: str | None
    origin: str


@dataclass(frozen=True, slots=True)
class SourceIssue:
    """What a source could not make a record of; an error unless it is dropped.

    Attributes:
        check: short name of what is wrong, e.g. "blank label", "outside the folder".
        origin: where it lies, for people.
        detail: which value, if any.
    """

    check: str
    origin: str
    detail: str


@dataclass(frozen=True)
class Provenance:
    """Where labels come from that people told one by one.

    Attributes:
        facts: how many there are, and what was left out; JSON-ready.
        table: CSV with a row for each image: who told its label, when, and of which prediction.
        warnings: what a user is told whenever it is used, a sentence each.
    """

    facts: Mapping[str, Any]
    table: Path
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class LabelledSource:
    """A data set as its owner keeps it.

    Attributes:
        name: of the data set.
        classes: names, in the order of the labels; one may have no record.
        spec: the pixels that suit its images.
        count: records that there are.
        signature: changes whenever the records do; cheap to make.
        records: reads them, anew at each call and in the same order.
        description: what was recognised, in one line, e.g. "class folders".
        issues: what could not become a record.
        provenance: where its labels come from, if people told them one by one.
        base: the source that this one begins with, if it goes on with other records.
    """

    name: str
    classes: tuple[str, ...]
    spec: ImageSpec
    count: int
    signature: str
    records: Callable[[], Iterator[Record]]
    description: str = ""
    issues: tuple[SourceIssue, ...] = ()
    provenance: Provenance | None = None
    base: "LabelledSource | None" = None


def content_id(image: bytes | Pixels) -> str:
    """sha256 of the source bytes, hexadecimal: of the file, or of an array's shape and pixels."""
    if isinstance(image, bytes):
        return hashlib.sha256(image).hexdigest()
    return hashlib.sha256(str(image.shape).encode() + image.tobytes()).hexdigest()


def load(image: Path | bytes | Pixels) -> bytes | Pixels:
    """What a record's image holds.

    Raises:
        OSError: if its file cannot be read.
    """
    return image.read_bytes() if isinstance(image, Path) else image
