"""Photos as people send them, made of the images of the embedded sample.

Of several sizes, in colour and grey, as JPEG and PNG, some turned by their EXIF data. Knows nothing
of what is done with them.
"""

import io

import numpy as np
from mlopsproj_data.sources.fashion_mnist import sample_source
from PIL import Image

SIZES = ((90, 110), (120, 80), (64, 64))
ORIENTATION = 0x0112


def photos(count: int, *, skip: int = 0, light: float = 1.0) -> list[tuple[str, bytes]]:
    """Name and bytes of each.

    Args:
        count: how many.
        skip: images of the sample that are left out first.
        light: factor of all pixels.
    """
    records = [record for record in sample_source().records() if record.split == "train"]
    return [
        _photo(np.asarray(record.image), number, light)
        for number, record in enumerate(records[skip : skip + count], start=skip)
    ]


def _photo(pixels: np.ndarray, number: int, light: float) -> tuple[str, bytes]:
    rng = np.random.default_rng(number)
    grey = Image.fromarray((pixels * light).astype(np.uint8))
    grey = grey.resize(SIZES[rng.integers(len(SIZES))], Image.Resampling.BICUBIC)
    kind = rng.integers(4)
    buffer = io.BytesIO()
    if kind == 0:
        grey.save(buffer, "PNG")
    elif kind == 1:
        grey.convert("P").save(buffer, "PNG")
    else:
        tint = Image.new("RGB", grey.size, tuple(rng.integers(150, 256, 3).tolist()))
        coloured = Image.composite(tint, Image.new("RGB", grey.size), grey)
        exif = Image.Exif()
        exif[ORIENTATION] = int(rng.choice([1, 1, 6, 8]))
        coloured.save(buffer, "JPEG", quality=90, exif=exif)
    return f"{number:05d}.{'png' if kind < 2 else 'jpg'}", buffer.getvalue()
