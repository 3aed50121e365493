import numpy as np
import pytest
from mlopsproj_evaluation.corruptions.digital import jpeg, pixelation
from mlopsproj_evaluation.corruptions.draws import Draws

DRAWS = Draws("a", "digital", 1, 0)


def test_pixelation_leaves_so_many_pixels(scenes):
    images, _ = scenes(1, 40, 60, 3)
    coarse = pixelation(images[0], DRAWS, 0.25)
    blocks = coarse.reshape(10, 4, 15, 4, 3)
    assert (blocks == blocks[:, :1, :, :1]).all()
    means = images[0].reshape(10, 4, 15, 4, 3).mean(axis=(1, 3))
    assert abs(blocks[:, 0, :, 0] - means).max() <= 1


def test_pixelation_leaves_one_pixel_at_least():
    tiny = np.arange(64, dtype=np.uint8).reshape(8, 8, 1)
    assert len(np.unique(pixelation(tiny, DRAWS, 0.01))) == 1


@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_is_close_at_a_high_quality_and_not_at_a_low_one(scenes, channels):
    images, _ = scenes(1, 64, 64, channels)
    errors = [
        np.abs(jpeg(images[0], DRAWS, quality).astype(int) - images[0]).mean()
        for quality in (95, 50, 5)
    ]
    assert errors[0] < errors[1] < errors[2]
    assert errors[0] < 8
