"""Images with the content of photographs, made from random numbers: light, edges, grain.

Flat noise or flat colour would decode at another speed. Knows nothing of files.
"""

import numpy as np
from PIL import Image, ImageDraw


def photograph(generator: np.random.Generator, width: int, height: int) -> Image.Image:
    """Soft light, some shapes with edges, and the grain of a sensor."""
    light = generator.integers(0, 256, (4, 4, 3), dtype=np.uint8)
    image = Image.fromarray(light).resize((width, height), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(image)
    for _ in range(12):
        points = generator.integers(0, max(width, height), (generator.integers(3, 7), 2))
        colour = tuple(generator.integers(0, 256, 3).tolist())
        draw.polygon([tuple(point) for point in points.tolist()], fill=colour)
    texture = generator.normal(0, 12, (height // 4, width // 4, 3)).repeat(4, 0).repeat(4, 1)
    grain = generator.normal(0, 4, (height, width, 3))
    grain[: texture.shape[0], : texture.shape[1]] += texture
    return Image.fromarray((np.asarray(image) + grain).clip(0, 255).astype(np.uint8))
