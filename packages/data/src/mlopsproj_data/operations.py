"""Random operations of one strength: RandAugment (Cubuk et al. 2020, arXiv:1909.13719).

Each image undergoes some that are drawn for it. The fourteen operations and their strengths are
the paper's as torchvision has them; those that move pixels are joined and done before the others,
and what they move in repeats the border instead of being grey.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from mlopsproj_data import colour
from mlopsproj_data.geometry import rotations
from mlopsproj_data.portions import images_at_once

_MOVING = ("shear_x", "shear_y", "translate_x", "translate_y", "rotate")
_RECOLOURING: dict[str, Callable[[Tensor, Tensor, float], Tensor]] = {
    "brightness": lambda images, factors, _: colour.adjust(images, brightness=factors),
    "contrast": lambda images, factors, _: colour.adjust(images, contrast=factors),
    "saturation": lambda images, factors, _: colour.adjust(images, saturation=factors),
    "sharpness": lambda images, factors, _: colour.sharpen(images, factors),
    "posterise": lambda images, _, magnitude: colour.posterise(images, 8 - round(4 * magnitude)),
    "solarise": lambda images, _, magnitude: colour.solarise(images, round(256 * (1 - magnitude))),
    "stretch_contrast": lambda images, _, __: colour.stretch_contrast(images),
    "equalise": lambda images, _, __: colour.equalise(images),
}
OPERATIONS = ("identity", *_MOVING, *_RECOLOURING)

_SHEAR = 0.3
_TRANSLATE = 150 / 331
_DEGREES = 30.0
_FACTOR = 0.9


@dataclass(frozen=True)
class Drawn:
    """What was drawn for each image of a batch; on the CPU.

    Attributes:
        names: `(N, steps)` int64, places in `OPERATIONS`.
        signs: `(N, steps)` float32, -1 or 1: in which direction.
        magnitude: 0 to 1.
        turns: `(N, 3, 3)` float32, the operations that move pixels, as `Placement` takes them.
    """

    names: Tensor
    signs: Tensor
    magnitude: float
    turns: Tensor

    def recolour(self, images: Tensor) -> Tensor:
        """Do the operations that change colours: `(N, H, W, C)` uint8 to the same."""
        images = images.clone()
        factors = 1 + _FACTOR * self.magnitude * self.signs
        for step in range(self.names.shape[1]):
            for name, operation in _RECOLOURING.items():
                chosen = (self.names[:, step] == OPERATIONS.index(name)).nonzero()[:, 0]
                for part in torch.split(chosen, images_at_once(images)):
                    places = part.to(images.device)
                    changed = operation(
                        images.index_select(0, places), factors[part, step], self.magnitude
                    )
                    images.index_copy_(0, places, changed)
        return images


def draw_operations(
    shape: Sequence[int], steps: int, magnitude: float, generator: torch.Generator
) -> Drawn:
    """Draw the operations of each image.

    Args:
        shape: `(N, H, W, C)` of the batch.
        steps: how many each image undergoes.
        magnitude: 0 to 1.
        generator: on the CPU.
    """
    count, height, width, _ = shape
    names = torch.randint(len(OPERATIONS), (count, steps), generator=generator)
    signs = 2.0 * torch.randint(2, (count, steps), generator=generator) - 1
    turns = torch.eye(3).repeat(count, 1, 1)
    for step in range(steps):
        turns = _turns(names[:, step], magnitude * signs[:, step], height, width) @ turns
    return Drawn(names, signs, magnitude, turns)


def _turns(names: Tensor, strengths: Tensor, height: int, width: int) -> Tensor:
    """`(N, 3, 3)`: one operation each; the identity for one that moves nothing."""
    amounts = {
        name: torch.where(names == OPERATIONS.index(name), strengths, 0.0) for name in _MOVING
    }
    turns = rotations(_DEGREES * amounts["rotate"])
    turns[:, 0, 1] += _SHEAR * amounts["shear_x"]
    turns[:, 1, 0] += _SHEAR * amounts["shear_y"]
    turns[:, 0, 2] = _TRANSLATE * width * amounts["translate_x"]
    turns[:, 1, 2] = _TRANSLATE * height * amounts["translate_y"]
    return turns
