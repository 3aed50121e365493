"""Training images, varied a whole batch at a time on the device where they are.

A pure function of the batch and a generator. Knows nothing of labels, epochs or Lightning.
"""

import torch
from mlopsproj_core.errors import ConfigError
from torch import Tensor

from mlopsproj_data.config import AugmentConfig


def augment(images: Tensor, config: AugmentConfig, generator: torch.Generator) -> Tensor:
    """Flip, shift and cut out, each image by its own draw.

    Args:
        images: `(N, H, W, C)` uint8; not changed.
        config: what is done.
        generator: on the CPU, whatever the device of the images: the same draws everywhere.

    Returns:
        `(N, H, W, C)` uint8. Pixels that were moved in repeat the border's.
    """
    count, height, width, _ = images.shape
    rows = torch.arange(height).expand(count, height)
    columns = torch.arange(width).expand(count, width)
    if config.shift:
        offsets = torch.randint(-config.shift, config.shift + 1, (2, count, 1), generator=generator)
        rows = (rows + offsets[0]).clamp(0, height - 1)
        columns = (columns + offsets[1]).clamp(0, width - 1)
    if config.flip:
        mirrored = torch.rand((count, 1), generator=generator) < 0.5  # noqa: PLR2004 (a half)
        columns = torch.where(mirrored, columns.flip(1), columns)
    if config.flip or config.shift:
        batch = torch.arange(count)[:, None, None]
        images = images[batch, rows[:, :, None], columns[:, None, :]]
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
    return images.masked_fill(square.to(images.device), 128)


def check_augment(config: AugmentConfig, side: int) -> None:
    """Refuse what cannot be done, or would leave nothing of an image.

    Args:
        config: what shall be done.
        side: the shorter one of the images, in pixels.

    Raises:
        ConfigError: naming the setting.
    """
    for name, most in (("shift", side // 2), ("cutout", side)):
        if not 0 <= getattr(config, name) <= most:
            raise ConfigError(
                f"data.augment.{name}={getattr(config, name)}: give 0 to {most} pixels, for images"
                f" of {side}."
            )
