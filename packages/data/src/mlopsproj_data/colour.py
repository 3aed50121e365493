"""What is done to the colours of images, on a batch with a strength for each image.

Pixels stay where they are, and a grey image stays grey.
"""

import torch
from torch import Tensor
from torch.nn import functional

from mlopsproj_data.portions import images_at_once

# Of red, green and blue in the brightness that one sees: ITU-R BT.601.
_LUMA = (0.299, 0.587, 0.114)
_LEVELS = 256


def jitter(images: Tensor, strength: float, generator: torch.Generator) -> Tensor:
    """Change brightness, contrast and saturation of each image by its own draw.

    Args:
        images: `(N, H, W, C)` uint8.
        strength: 0 to 1; each factor is uniform between 1 - strength and 1 + strength.
        generator: on the CPU.

    Returns:
        `(N, H, W, C)` uint8.
    """
    factors = 1 + strength * (2 * torch.rand((3, len(images)), generator=generator) - 1)
    step = images_at_once(images)
    parts = zip(torch.split(images, step), torch.split(factors, step, dim=1), strict=True)
    return torch.cat(
        [
            adjust(part, brightness=factor[0], contrast=factor[1], saturation=factor[2])
            for part, factor in parts
        ]
    )


def adjust(
    images: Tensor,
    *,
    brightness: Tensor | None = None,
    contrast: Tensor | None = None,
    saturation: Tensor | None = None,
) -> Tensor:
    """Multiply brightness, contrast and saturation by a factor of each image; 1 leaves it.

    The three are joined to one linear function of a pixel and its luma, so that nothing is
    clipped in between.

    Args:
        images: `(N, H, W, C)` uint8.
        brightness: `(N,)` float32; 0 is black.
        contrast: `(N,)` float32; 0 is the mean grey of the image.
        saturation: `(N,)` float32; 0 is grey.

    Returns:
        `(N, H, W, C)` uint8.
    """
    ones = torch.ones(len(images))
    brightness, contrast, saturation = (
        (ones if factor is None else factor).view(-1, 1, 1, 1).to(images.device)
        for factor in (brightness, contrast, saturation)
    )
    values = images.float()
    luma = _luma(values)
    gain = brightness * contrast
    base = luma.mean(dim=(1, 2), keepdim=True) * (brightness - gain)
    if values.shape[3] > 1:
        base = base + luma * (gain * (1 - saturation))
        gain = gain * saturation
    return _to_uint8(values.mul_(gain).add_(base))


def _luma(values: Tensor) -> Tensor:
    """`(N, H, W, 1)` of `(N, H, W, C)`."""
    if values.shape[3] == 1:
        return values
    red, green, blue = values[..., 0:1], values[..., 1:2], values[..., 2:3]
    return _LUMA[0] * red + _LUMA[1] * green + _LUMA[2] * blue


def _to_uint8(values: Tensor) -> Tensor:
    return values.round_().clamp_(0, _LEVELS - 1).to(torch.uint8)


def sharpen(images: Tensor, factors: Tensor) -> Tensor:
    """Mix each image with itself smoothed: `(N,)` factors; 0 is smooth, 1 leaves it, 2 is sharp.

    The border is left. The kernel is that of Pillow: 5 in the middle, 1 around, over 13.
    """
    values = images.float()
    inner = values[:, 1:-1, 1:-1]
    means = functional.avg_pool2d(values.permute(0, 3, 1, 2), 3, stride=1).permute(0, 2, 3, 1)
    smooth = (9 * means + 4 * inner) / 13
    inner.copy_(smooth.lerp(inner, factors.view(-1, 1, 1, 1).to(images.device)))
    return _to_uint8(values)


def posterise(images: Tensor, bits: int) -> Tensor:
    """Keep the `bits` highest of the 8 bits of each value."""
    return images.bitwise_and(_LEVELS - 2 ** (8 - bits))


def solarise(images: Tensor, threshold: int) -> Tensor:
    """Invert the values from `threshold` on; 256 inverts none."""
    return torch.where(images.short() >= threshold, ~images, images)


def stretch_contrast(images: Tensor) -> Tensor:
    """Spread each channel of each image from 0 to 255."""
    low, high = (find(images, dim=(1, 2), keepdim=True) for find in (torch.amin, torch.amax))
    width = (high - low).float()
    scale = torch.where(width > 0, (_LEVELS - 1) / width, 1)
    offset = torch.where(width > 0, low, 0).float()
    return _to_uint8((images.float() - offset) * scale)


def equalise(images: Tensor) -> Tensor:
    """Spread the values of each channel of each image, so that all are about equally frequent.

    The table of new values is that of Pillow's `ImageOps.equalize`.
    """
    count, height, width, channels = images.shape
    planes = images.permute(0, 3, 1, 2).reshape(count * channels, height * width).long()
    firsts = _LEVELS * torch.arange(len(planes), device=images.device)[:, None]
    histograms = torch.bincount((planes + firsts).flatten(), minlength=_LEVELS * len(planes)).view(
        -1, _LEVELS
    )
    last = _LEVELS - 1 - (histograms.flip(1) > 0).int().argmax(dim=1, keepdim=True)
    steps = (height * width - histograms.gather(1, last)) // (_LEVELS - 1)
    before = histograms.cumsum(dim=1) - histograms
    table = ((before + steps // 2) // steps.clamp_min(1)).clamp_max(_LEVELS - 1)
    table = torch.where(steps > 0, table, torch.arange(_LEVELS, device=images.device))
    equal: Tensor = table.to(torch.uint8).gather(1, planes)
    return equal.view(count, channels, height, width).permute(0, 2, 3, 1).contiguous()
