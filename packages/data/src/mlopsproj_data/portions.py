"""How many images of a batch are worked on at once, where they are."""

from torch import Tensor

# Measured: so many values, as float32, stay in the cache of a CPU's core.
_VALUES = 2**18


def images_at_once(images: Tensor) -> int:
    """Few enough for the cache of a CPU; all of them elsewhere.

    Args:
        images: `(N, H, W, C)`.
    """
    if images.device.type != "cpu":
        return max(1, len(images))
    return max(1, _VALUES // max(1, images.shape[1:].numel()))
