import numpy as np
import pytest
from mlopsproj_evaluation.corruptions.draws import Draws
from mlopsproj_evaluation.corruptions.light import brightness, contrast, darkness, inversion

DRAWS = Draws("a", "light", 1, 0)
EVERY_VALUE = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)


def test_brightness_is_added_and_saturates():
    bright = brightness(EVERY_VALUE, DRAWS, 0.4)
    assert (bright == np.minimum(EVERY_VALUE.astype(int) + 102, 255)).all()


def test_darkness_takes_a_share():
    dark = darkness(EVERY_VALUE, DRAWS, 0.75)
    assert abs(dark - EVERY_VALUE / 4).max() <= 0.5


@pytest.mark.parametrize("loss", [0.3, 0.65, 0.88])
def test_contrast_is_lost_around_the_mean(loss):
    flat = contrast(EVERY_VALUE, DRAWS, loss).astype(float)
    assert flat.mean() == pytest.approx(EVERY_VALUE.mean(), abs=1)
    assert flat.std() == pytest.approx((1 - loss) * EVERY_VALUE.std(), rel=0.02)
    assert (np.diff(flat.ravel()) >= 0).all()


@pytest.mark.parametrize("value", [0, 255])
def test_a_level_has_no_contrast_to_lose(value):
    level = np.full((8, 8, 3), value, np.uint8)
    assert (contrast(level, DRAWS, 0.5) == value).all()


def test_inversion_turns_what_is_bright():
    turned = inversion(EVERY_VALUE, DRAWS, 0.5).ravel()
    assert turned[:128].tolist() == list(range(128))
    assert turned[128:].tolist() == list(range(127, -1, -1))
    assert (inversion(EVERY_VALUE, DRAWS, 0.0) == 255 - EVERY_VALUE).all()
