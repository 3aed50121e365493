"""Scenes that have large shapes, edges and texture at any size, as photographs do."""

import numpy as np
import pytest
from PIL import Image


def draw_scenes(count, height, width, channels, seed=0):
    """`(count, height, width, channels)` uint8 and an id for each."""
    rng = np.random.default_rng(seed)
    scenes = []
    for _ in range(count):
        shapes = Image.fromarray(rng.integers(0, 256, (3, 3, 3), dtype=np.uint8))
        scene = np.asarray(shapes.resize((width, height), Image.Resampling.BICUBIC)).copy()
        top, left = rng.integers(0, height // 2), rng.integers(0, width // 2)
        scene[top : top + height // 2, left : left + width // 2] //= 3
        texture = rng.integers(-12, 13, scene.shape)
        scenes.append(np.clip(scene + texture, 0, 255).astype(np.uint8))
    ids = [rng.bytes(32).hex() for _ in range(count)]
    return np.stack(scenes)[..., :channels], ids


@pytest.fixture(scope="session")
def scenes():
    return draw_scenes
