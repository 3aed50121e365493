"""Where the pixels of an image come from: mirrored, shifted, cropped, turned.

All that moves the pixels of an image is joined first, and then done in one reading of it. Knows
nothing of colours.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional

from mlopsproj_data.config import Augmentation
from mlopsproj_data.portions import images_at_once

_HALF = 0.5
_LOG_ASPECT = math.log(4 / 3)
# Measured on a CPU: an image of fewer values is not worth the calls that would move it alone.
_SMALL = 2**13


@dataclass(frozen=True)
class Placement:
    """Where the pixels of each image of a batch come from; on the CPU.

    Attributes:
        windows: `(N, 4)` int64, top, left, height and width, in pixels, of the part that fills the
            image. Where it overhangs, the border is repeated.
        mirrored: `(N,)` bool, whether that part is then mirrored, left to right.
        turns: `(N, 3, 3)` float32, or None where nothing turns: from places `(x, y, 1)` in the
            turned image, in pixels from its centre, to places in the image as it was.
    """

    windows: Tensor
    mirrored: Tensor
    turns: Tensor | None

    def after(self, turns: Tensor) -> "Placement":
        """The same of images that were turned so before."""
        return replace(self, turns=turns if self.turns is None else turns @ self.turns)


def draw_placement(
    shape: Sequence[int], config: Augmentation, generator: torch.Generator
) -> Placement:
    """Draw flip, shift, crop and rotation of each image.

    Args:
        shape: `(N, H, W, C)` of the batch.
        config: what is done.
        generator: on the CPU.
    """
    count, height, width, _ = shape
    sizes = torch.tensor([height, width])
    corners = torch.zeros((count, 2), dtype=torch.int64)
    extents = sizes.expand(count, 2)
    mirrored = torch.zeros(count, dtype=torch.bool)
    turns = None
    if config.crop < 1:
        # Szegedy et al. 2014, arXiv:1409.4842: a share of the area, and a ratio of the sides that
        # is uniform in its logarithm; here it is one of those that fit into the image.
        areas = config.crop + (1 - config.crop) * torch.rand(count, generator=generator)
        widest = torch.minimum(-areas.log(), torch.tensor(_LOG_ASPECT))
        aspects = widest * (2 * torch.rand(count, generator=generator) - 1)
        shares = torch.stack([-aspects, aspects], dim=1).div(2).exp() * areas.sqrt()[:, None]
        extents = (shares * sizes).round().long().clamp_min(1).minimum(sizes)
        room = sizes - extents + 1
        corners = (torch.rand((count, 2), generator=generator) * room).long().minimum(room - 1)
    if config.shift:
        corners = corners + torch.randint(
            -config.shift, config.shift + 1, (count, 2), generator=generator
        )
    if config.flip:
        mirrored = torch.rand(count, generator=generator) < _HALF
    if config.rotate:
        degrees = config.rotate * (2 * torch.rand(count, generator=generator) - 1)
        turns = rotations(degrees)
    return Placement(torch.cat([corners, extents], dim=1), mirrored, turns)


def rotations(degrees: Tensor) -> Tensor:
    """`(N,)` degrees to `(N, 3, 3)`, counterclockwise as one sees it."""
    turns = torch.eye(3).repeat(len(degrees), 1, 1)
    radians = torch.deg2rad(degrees)
    turns[:, 0, 0] = turns[:, 1, 1] = radians.cos()
    turns[:, 1, 0] = radians.sin()
    turns[:, 0, 1] = -radians.sin()
    return turns


def placed(images: Tensor, placement: Placement) -> Tensor:
    """Read each image as its placement says.

    Args:
        images: `(N, H, W, C)` uint8; not changed, and given back where there is nothing to do.
        placement: of these N images.

    Returns:
        `(N, H, W, C)` uint8; between pixels, those around are mixed by bilinear interpolation.
    """
    count, height, width, channels = images.shape
    sizes = torch.tensor([height, width])
    whole = bool((placement.windows[:, 2:] == sizes).all())
    still = whole and not placement.windows[:, :2].any() and not placement.mirrored.any()
    if placement.turns is None and (still or not count):
        return images
    alone = images.device.type == "cpu" and height * width * channels >= _SMALL
    if placement.turns is None and alone:
        return _placed_alone(images, placement)
    if placement.turns is None and whole:
        return _gathered(images, placement)
    grids, step = _grids(placement, height, width).to(images.device), images_at_once(images)
    parts = zip(torch.split(images, step), torch.split(grids, step), strict=True)
    return torch.cat([_warped(*part) for part in parts])


def _placed_alone(images: Tensor, placement: Placement) -> Tensor:
    """Image after image, by slices: the fastest where they are large."""
    _, height, width, channels = images.shape
    results = torch.empty_like(images)
    windows, mirrored = placement.windows.tolist(), placement.mirrored.tolist()
    for image, result, window, flip in zip(images, results, windows, mirrored, strict=True):
        top, left, rows, columns = window
        if (rows, columns) == (height, width):
            _cut(image, top, left, result, mirrored=flip)
            continue
        part = image.new_empty((rows, columns, channels))
        _cut(image, top, left, part, mirrored=flip)
        enlarged = functional.interpolate(
            part[None].permute(0, 3, 1, 2), size=(height, width), mode="bilinear"
        )
        result.copy_(enlarged[0].permute(1, 2, 0))
    return results


def _cut(image: Tensor, top: int, left: int, part: Tensor, *, mirrored: bool) -> None:
    """Copy the window with this corner, as large as `part`, into it."""
    rows, columns, _ = part.shape
    above, below = max(0, -top), max(0, top + rows - len(image))
    before, after = max(0, -left), max(0, left + columns - image.shape[1])
    inside = image[top + above : top + rows - below, left + before : left + columns - after]
    if mirrored:
        inside = inside.flip(1)
        before, after = after, before
    part[above : rows - below, before : columns - after] = inside
    if before:
        part[:, :before] = part[:, before : before + 1]
    if after:
        part[:, columns - after :] = part[:, columns - after - 1 : columns - after]
    if above:
        part[:above] = part[above]
    if below:
        part[rows - below :] = part[rows - below - 1]


def _gathered(images: Tensor, placement: Placement) -> Tensor:
    """The whole batch at once, first rows and then columns: the fastest where images are small."""
    count, height, width, channels = images.shape
    rows = (torch.arange(height) + placement.windows[:, :1]).clamp(0, height - 1)
    rows = rows + height * torch.arange(count)[:, None]
    columns = (torch.arange(width) + placement.windows[:, 1:2]).clamp(0, width - 1)
    columns = torch.where(placement.mirrored[:, None], columns.flip(1), columns)
    columns = columns.to(images.device)[:, None, :, None].expand(images.shape)
    taken = images.reshape(count * height, width * channels)
    taken = taken.index_select(0, rows.flatten().to(images.device))
    return taken.view(images.shape).gather(2, columns)


def _grids(placement: Placement, height: int, width: int) -> Tensor:
    """`(N, 2, 3)` float32 as `affine_grid` takes it: all of a placement in one."""
    windows = placement.windows.float()
    sizes = torch.tensor([width, height])
    scales = windows[:, [3, 2]] / sizes
    signs = torch.where(placement.mirrored, -1.0, 1.0)
    matrices = torch.zeros((len(windows), 3, 3))
    matrices[:, 0, 0] = scales[:, 0] * signs
    matrices[:, 1, 1] = scales[:, 1]
    matrices[:, 2, 2] = 1
    matrices[:, :2, 2] = windows[:, [1, 0]] + (windows[:, [3, 2]] - sizes) / 2
    if placement.turns is not None:
        matrices = placement.turns @ matrices
    # From pixels to halves of the image: -1 and 1 are its borders.
    halves = sizes / 2
    linear = matrices[:, :2, :2] * halves / halves[:, None]
    return torch.cat([linear, matrices[:, :2, 2:] / halves[:, None]], dim=2)


def _warped(images: Tensor, grids: Tensor) -> Tensor:
    count, height, width, channels = images.shape
    places = functional.affine_grid(grids, [count, channels, height, width], align_corners=False)
    values = functional.grid_sample(
        images.permute(0, 3, 1, 2).float(), places, padding_mode="border", align_corners=False
    )
    return values.permute(0, 2, 3, 1).round_().to(torch.uint8)
