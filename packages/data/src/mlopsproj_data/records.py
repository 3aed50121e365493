"""What every source gives: labelled images one by one, and how to know them again.

Knows nothing of files' formats or of how images are prepared.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mlopsproj_core.image import ImageSpec, Pixels


@dataclass(frozen=True, eq=False, slots=True)
class Record:
    """One labelled image of a source.

    Attributes:
        image: an encoded file, or uint8 `(height, width)` or `(height, width, channels)`.
        label: index into the classes.
        split: "train", "validation" or "test" where the source says so.
        group: what must not be divided between splits, if anything.
        origin: where it lies, for people.
    """

    image: bytes | Pixels
    label: int
    split: str | None
    group: str | None
    origin: str


@dataclass(frozen=True)
class LabelledSource:
    """A data set as its owner keeps it.

    Attributes:
        name: of the data set.
        classes: names, in the order of the labels.
        spec: the pixels that suit its images.
        count: records that there are.
        signature: changes whenever the records do; cheap to make.
        records: reads them, anew at each call.
    """

    name: str
    classes: tuple[str, ...]
    spec: ImageSpec
    count: int
    signature: str
    records: Callable[[], Iterator[Record]]


def content_id(record: Record) -> str:
    """sha256 of the source bytes, hexadecimal: of the file, or of an array's shape and pixels."""
    if isinstance(record.image, bytes):
        return hashlib.sha256(record.image).hexdigest()
    return hashlib.sha256(str(record.image.shape).encode() + record.image.tobytes()).hexdigest()
