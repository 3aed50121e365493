import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlopsproj_evaluation.corruptions.blur import gaussian_blur, motion_blur, smear
from mlopsproj_evaluation.corruptions.draws import Draws

DRAWS = Draws("a", "blur", 1, 0)


def spread(pixels):
    """Standard deviation of where the light is, by row and by column."""
    share = pixels[..., 0] / pixels.sum()
    rows, columns = np.indices(share.shape)
    return [
        math.sqrt((share * (places - (share * places).sum()) ** 2).sum())
        for places in (rows, columns)
    ]


def light(side=65, size=5):
    pixels = np.zeros((side, side, 1), np.uint8)
    middle = slice(side // 2 - size // 2, side // 2 + size // 2 + 1)
    pixels[middle, middle] = 255
    return pixels


@pytest.mark.parametrize("deviation", [0.02, 0.03, 0.05])
def test_gaussian_blur_spreads_a_light_by_its_deviation(deviation):
    before, after = spread(light()), spread(gaussian_blur(light(), DRAWS, deviation))
    wanted = 0.3 + deviation * 65
    for one, other in zip(before, after, strict=True):
        # Faint values are rounded to black, which narrows what is left.
        assert math.sqrt(other**2 - one**2) == pytest.approx(wanted, rel=0.12)


def test_motion_blur_spreads_along_one_direction_only():
    smeared = smear(light(), 20, (1, 0))
    rows, columns = spread(smeared)
    assert rows == pytest.approx(spread(light())[0], abs=0.02)
    assert columns == pytest.approx(math.hypot(spread(light())[1], 20 / math.sqrt(12)), rel=0.03)


@settings(max_examples=40)
@given(st.floats(1, 12), st.floats(0, 2 * math.pi), st.integers(0, 2**32 - 1))
def test_a_smear_is_the_mean_of_what_lies_on_the_line(length, angle, seed):
    pixels = np.random.default_rng(seed).integers(0, 256, (9, 11, 3), dtype=np.uint8)
    direction = math.cos(angle), math.sin(angle)
    places = (np.arange(256) + 0.5) / 256 - 0.5
    total = np.zeros(pixels.shape)
    for place in places * length:
        rows = np.clip(np.arange(9) + int(np.rint(place * direction[1])), 0, 8)
        columns = np.clip(np.arange(11) + int(np.rint(place * direction[0])), 0, 10)
        total += pixels[rows][:, columns]
    assert abs(smear(pixels, length, direction) - total / 256).max() <= 0.5


def test_a_level_stays_as_it_is():
    level = np.full((20, 30, 3), 200, np.uint8)
    assert (gaussian_blur(level, DRAWS, 0.1) == 200).all()
    assert (motion_blur(level, DRAWS, 0.2) == 200).all()
