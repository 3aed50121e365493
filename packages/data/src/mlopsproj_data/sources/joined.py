"""A source with confirmed images behind it: a new version of the same data set.

The classes, the name and the image size stay those of the source, and so does the split of every
image. A confirmed image that the source holds already is known again, also where the source holds
it as an array and somebody sent it as a file. Knows nothing of the prediction log.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from mlopsproj_core.errors import DataError, ImageError
from mlopsproj_core.image import ImageSpec, Pixels, prepare_image

from mlopsproj_data.records import LabelledSource, Record, content_id
from mlopsproj_data.sources.feedback import Feedback
from mlopsproj_data.sources.labelled_files import LabelledFile, in_order
from mlopsproj_data.sources.printing import listed, plural, printable


def with_feedback(
    base: LabelledSource, feedback: Feedback, *, new_classes: bool = False
) -> LabelledSource:
    """The images of a source, then the confirmed ones.

    Args:
        base: whose classes they are of.
        feedback: that is added; none of it has a split of its own.
        new_classes: whether labels that are no class of `base` become classes, behind its own.

    Raises:
        DataError: if labels are no class of `base`, and are not to become one.
    """
    unknown = in_order({file.label for file in feedback.files} - set(base.classes))
    if unknown and not new_classes:
        raise DataError(_unknown(base, feedback, unknown))
    classes = (*base.classes, *unknown)
    labels = {name: index for index, name in enumerate(classes)}
    files = feedback.files
    names = [[file.name, file.size, file.label] for file in files]
    signature = hashlib.sha256(repr([base.signature, classes, names]).encode()).hexdigest()
    return replace(
        base,
        classes=classes,
        count=base.count + len(files),
        signature=signature,
        records=lambda: _records(base, files, labels),
        description=f"{base.description}; and {feedback.description}",
        provenance=feedback.provenance,
        base=base,
    )


def _records(
    base: LabelledSource, files: tuple[LabelledFile, ...], labels: dict[str, int]
) -> Iterator[Record]:
    arrays = _Arrays()
    for record in base.records():
        if isinstance(record.image, np.ndarray):
            arrays.add(record.image)
        yield record
    for file in files:
        image = arrays.same_as(file.path)
        yield Record(
            file.path if image is None else image,
            labels[file.label],
            file.split,
            file.group,
            file.origin,
        )


class _Arrays:
    """Images that a source holds as arrays, and which of them a file is."""

    def __init__(self) -> None:
        self._ids: set[str] = set()
        self._shapes: set[tuple[int, ...]] = set()

    def add(self, image: Pixels) -> None:
        self._ids.add(content_id(image))
        self._shapes.add(image.shape)

    def same_as(self, path: Path) -> Pixels | None:
        """The array whose pixels a file holds, if it is one of these."""
        for shape in self._shapes:
            try:
                spec = ImageSpec(shape[0], shape[1], 3 if shape[2:] == (3,) else 1)
                image = prepare_image(path.read_bytes(), spec)
            except (ImageError, OSError):
                continue  # told when it is examined
            if (image.statistics.height, image.statistics.width) == shape[:2]:
                pixels = image.pixels.reshape(shape)
                if content_id(pixels) in self._ids:
                    return pixels
        return None


def _unknown(base: LabelledSource, feedback: Feedback, unknown: tuple[str, ...]) -> str:
    images = [file for file in feedback.files if file.label in set(unknown)]
    names = listed([printable(name) for name in unknown])
    return (
        f"{plural(len(images), 'confirmed image')} of {feedback.model} have labels that are no"
        f" class of {base.name} ({names}), first {images[0].origin}: tell the right label of these"
        " predictions, which then counts, or make new classes of them by data.new_classes=true."
    )
