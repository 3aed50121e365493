"""Training images, varied a whole batch at a time on the device where they are.

A pure function of the batch and a generator. Knows nothing of labels, epochs or Lightning.
"""

import torch
from mlopsproj_core.errors import ConfigError
from torch import Tensor

from mlopsproj_data.colour import jitter
from mlopsproj_data.config import Augmentation
from mlopsproj_data.geometry import draw_placement, placed
from mlopsproj_data.operations import draw_operations

_GREY = 128
_LEAST_CROP = 0.05


def augment(images: Tensor, config: Augmentation, generator: torch.Generator) -> Tensor:
    """Vary each image by its own draw: where its pixels lie, then their colours, then the cut-out.

    Args:
        images: `(N, H, W, C)` uint8 of 1 or 3 channels; not changed.
        config: what is done.
        generator: on the CPU, whatever the device of the images: the same draws everywhere.

    Returns:
        `(N, H, W, C)` uint8. Pixels that were moved in repeat the border's.
    """
    placement = draw_placement(tuple(images.shape), config, generator)
    operations = None
    if config.operations:
        operations = draw_operations(
            tuple(images.shape), config.operations, config.magnitude, generator
        )
        placement = placement.after(operations.turns)
    images = placed(images, placement)
    if config.colour:
        images = jitter(images, config.colour, generator)
    if operations is not None:
        images = operations.recolour(images)
    if config.cutout:
        images = _cut_out(images, config.cutout, generator)
    return images


def _cut_out(images: Tensor, side: int, generator: torch.Generator) -> Tensor:
    """Grey out one square of each image (DeVries & Taylor 2017, arXiv:1708.04552)."""
    count, height, width, _ = images.shape
    top = torch.randint(1 - side, height, (count, 1), generator=generator)
    left = torch.randint(1 - side, width, (count, 1), generator=generator)
    in_rows = (torch.arange(height) >= top) & (torch.arange(height) < top + side)
    in_columns = (torch.arange(width) >= left) & (torch.arange(width) < left + side)
    square = (in_rows[:, :, None] & in_columns[:, None, :])[..., None]
    return images.masked_fill(square.to(images.device), _GREY)


def check_augment(config: Augmentation, side: int) -> None:
    """Refuse what cannot be done, or would leave nothing of an image.

    Args:
        config: what shall be done.
        side: the shorter one of the images, in pixels.

    Raises:
        ConfigError: naming the setting.
    """
    pixels = f" pixels, for images of {side}"
    limits = (
        ("shift", 0, side // 2, pixels),
        ("crop", _LEAST_CROP, 1, " of the area"),
        ("rotate", 0, 180, " degrees"),
        ("colour", 0, 1, ""),
        ("operations", 0, 8, ""),
        ("magnitude", 0, 1, ""),
        ("cutout", 0, side, pixels),
    )
    for name, least, most, unit in limits:
        value = getattr(config, name)
        if not least <= value <= most:
            raise ConfigError(f"data.augment.{name}={value}: give {least} to {most}{unit}.")
