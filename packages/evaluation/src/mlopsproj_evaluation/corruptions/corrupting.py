"""Images in, spoilt images out: the one call.

Knows nothing of models, and no corruption but by name.
"""

from collections.abc import Sequence

import numpy as np
from mlopsproj_core.errors import ConfigError, ImageError
from mlopsproj_core.image import MAX_SIDE, MIN_SIDE, Pixels

from mlopsproj_evaluation.corruptions.catalogue import CORRUPTIONS
from mlopsproj_evaluation.corruptions.corruption import SEVERITIES
from mlopsproj_evaluation.corruptions.draws import Draws

_CHANNELS = (1, 3)
_AXES = 4


def corrupt(
    images: Pixels, ids: Sequence[str], name: str, severity: int, *, seed: int = 0
) -> Pixels:
    """Spoil images, each always in the same way.

    What is drawn for an image follows from its id, the corruption, the severity and the seed:
    neither its place in the batch nor the machine changes it.

    Args:
        images: `(N, height, width, 1 or 3)` uint8, sides of 8 to 1,024 pixels; left as they are.
        ids: N content ids.
        name: of the corruption, a key of `CORRUPTIONS`.
        severity: 1 to 5.
        seed: another one draws otherwise.

    Returns:
        New images of the same shape and dtype.

    Raises:
        ConfigError: if there is no such corruption or severity.
        ImageError: if the images are of another shape or dtype, or not as many as the ids.
    """
    corruption = CORRUPTIONS.get(name)
    if corruption is None:
        raise ConfigError(f"There is no corruption {name!r}: choose from {', '.join(CORRUPTIONS)}.")
    if severity not in SEVERITIES:
        raise ConfigError(f"A severity of {severity} is not known: give 1 (slight) to 5 (strong).")
    _check(images, ids)
    strength = corruption.strengths[severity - 1]
    spoilt = np.empty(images.shape, np.uint8)
    for row, image_id in enumerate(ids):
        draws = Draws(image_id, name, severity, seed)
        spoilt[row] = corruption.apply(images[row], draws, strength)
    return spoilt


def _check(images: Pixels, ids: Sequence[str]) -> None:
    usable = (
        images.dtype == np.uint8
        and images.ndim == _AXES
        and images.shape[3] in _CHANNELS
        and all(MIN_SIDE <= side <= MAX_SIDE for side in images.shape[1:3])
    )
    if not usable:
        raise ImageError(
            f"Images of {images.dtype} {images.shape} cannot be corrupted: give uint8 (N, height,"
            f" width, 1 or 3) with sides of {MIN_SIDE} to {MAX_SIDE} pixels, as prepare_image makes"
            " them."
        )
    if len(ids) != len(images):
        raise ImageError(f"{len(ids)} ids stand beside {len(images)} images: give one for each.")
