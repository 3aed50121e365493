"""Images that look unlike the others, or show nothing.

Knows nothing of labels and splits.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt

from mlopsproj_data.records import LabelledSource
from mlopsproj_data.sources.printing import plural
from mlopsproj_data.validation.columns import Columns
from mlopsproj_data.validation.findings import Finding, Offender, Severity

MOST_ENLARGED: Final = 4.0
"""An image that is enlarged more than so many times shows less than the network could see."""

MOST_AREA_RATIO: Final = 16.0
"""An image with more than so many times the pixels of the median, or less, is another picture."""

MOST_CROPPED: Final = 3.0
"""An image whose sides are so many times further apart than the network's: a third is left."""

LEAST_CONTRAST: Final = 0.002
"""Standard deviation of luma, 0 to 0.5: half a grey level, as compression may add to one shade."""

_KINDS: Final = {
    "1": "grey",
    "L": "grey",
    "F": "grey",
    "I": "grey",
    "LA": "transparent",
    "La": "transparent",
    "PA": "transparent",
    "RGBA": "transparent",
    "RGBa": "transparent",
}
"""Of Pillow's modes; "I;16" and its kin are grey, and all others are colour."""


def extreme_sizes(columns: Columns, source: LabelledSource) -> Iterator[Finding]:
    """Images much smaller than the network's, or of quite another size than most."""
    widths, heights = columns.numbers("width"), columns.numbers("height")
    spec = source.spec
    areas = widths * heights
    median = np.median(areas) if areas.size else 0.0
    enlarged = np.maximum(spec.height / heights, spec.width / widths) > MOST_ENLARGED
    unlike = (areas > MOST_AREA_RATIO * median) | (areas * MOST_AREA_RATIO < median)
    yield from _sized(
        columns,
        enlarged | unlike,
        "extreme size",
        f"enlarged more than {MOST_ENLARGED:.0f} times to {spec.width} x {spec.height}, or with"
        f" {MOST_AREA_RATIO:.0f} times more or fewer pixels than most: look whether they belong"
        " there, bring larger ones, or set a smaller data.image_size.",
    )


def extreme_aspects(columns: Columns, source: LabelledSource) -> Iterator[Finding]:
    """Images of which the crop leaves a small part."""
    aspects = columns.numbers("width") / columns.numbers("height")
    aspects = aspects / (source.spec.width / source.spec.height)
    yield from _sized(
        columns,
        np.maximum(aspects, 1 / aspects) > MOST_CROPPED,
        "extreme aspect ratio",
        f"so long that less than 1/{MOST_CROPPED:.0f} is left when cropped to"
        f" {source.spec.width} x {source.spec.height}: crop to what matters.",
    )


def _sized(
    columns: Columns, found: npt.NDArray[np.bool_], check: str, message: str
) -> Iterator[Finding]:
    rows = columns.rows[found]
    if rows.size:
        widths, heights = columns.numbers("width")[found], columns.numbers("height")[found]
        yield Finding(
            check,
            Severity.warning,
            f"{plural(rows.size, 'image')} {message}",
            tuple(
                Offender(columns.origins[row], f"{width:.0f} x {height:.0f} pixels", (row,))
                for row, width, height in zip(rows.tolist(), widths, heights, strict=True)
            ),
        )


def mixed_modes(columns: Columns) -> Iterator[Finding]:
    """Grey among colour, or transparency in some: what a network may learn instead of content."""
    modes = np.array([mode or "" for mode in columns.texts("mode")], dtype=str)
    names, places = np.unique(modes, return_inverse=True)
    kinds, kind_of = np.unique([_kind(name) for name in names], return_inverse=True)
    if kinds.size < 2:  # noqa: PLR2004 (mixed)
        return
    of_image = kind_of[places]
    counts = np.bincount(of_image)
    said = ", ".join(f"{counts[k]:,} {kinds[k]}" for k in np.argsort(-counts, kind="stable"))
    rare = of_image != counts.argmax()
    yield Finding(
        "mixed modes",
        Severity.warning,
        f"Images are of several kinds ({said}): if the kind goes with the class, the model learns"
        " it instead of what they show; make them alike, or set data.channels=1. Transparent"
        " parts become white.",
        tuple(
            Offender(columns.origins[row], mode, (row,))
            for row, mode in zip(columns.rows[rare].tolist(), modes[rare].tolist(), strict=True)
        ),
    )


def _kind(mode: str) -> str:
    return "grey" if mode.startswith("I;16") else _KINDS.get(mode, "colour")


def constant_images(columns: Columns) -> Iterator[Finding]:
    """Images of one shade."""
    brightness = columns.numbers("brightness")
    found = columns.numbers("contrast") < LEAST_CONTRAST
    rows = columns.rows[found]
    if rows.size:
        yield Finding(
            "constant image",
            Severity.warning,
            f"{plural(rows.size, 'image')} of one shade only: remove them, unless nothing is"
            " what they should show.",
            tuple(
                Offender(columns.origins[row], f"brightness {value:.2f}", (row,))
                for row, value in zip(rows.tolist(), brightness[found], strict=True)
            ),
        )
