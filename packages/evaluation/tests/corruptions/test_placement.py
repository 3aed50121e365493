import math

import numpy as np
import pytest
from mlopsproj_evaluation.corruptions.draws import Draws
from mlopsproj_evaluation.corruptions.placement import rotation, shift


def draws(number):
    return Draws(str(number), "placement", 1, 0)


def marked(height=40, width=50):
    pixels = np.zeros((height, width, 1), np.uint8)
    pixels[height // 2, width // 2] = 255
    return pixels


def mark_of(pixels):
    return np.argwhere(pixels[..., 0] == pixels.max())[0]


def test_a_shift_is_as_far_as_it_says_in_every_direction():
    moves = np.array([mark_of(shift(marked(), draws(n), 0.2)) - (20, 25) for n in range(60)])
    assert np.hypot(*moves.T) == pytest.approx(np.full(60, 8), abs=0.75)
    assert (np.abs(moves).max(axis=0) >= 7).all()
    assert moves.min() < -6
    assert moves.max() > 6


def test_a_shift_moves_the_whole_and_the_border_goes_on(scenes):
    images, _ = scenes(1, 30, 30, 3)
    moved = shift(images[0], draws(0), 0.1)
    row, column = mark_of(shift(marked(30, 30), draws(0), 0.1)) - (15, 15)
    rows = np.clip(np.arange(30) - row, 0, 29)
    columns = np.clip(np.arange(30) - column, 0, 29)
    assert (moved == images[0][rows][:, columns]).all()


def test_a_shift_is_one_pixel_at_least():
    tiny = np.arange(64, dtype=np.uint8).reshape(8, 8, 1)
    assert all((shift(tiny, draws(n), 0.001) != tiny).any() for n in range(20))


@pytest.mark.parametrize("degrees", [10, 45])
def test_a_rotation_turns_about_the_centre_to_either_side(degrees):
    pixels = np.zeros((61, 61, 1), np.uint8)
    pixels[28:33, 48:53] = 255  # right of the centre, 20 pixels away
    angles = set()
    for number in range(20):
        turned = rotation(pixels, draws(number), degrees)[..., 0].astype(float)
        rows, columns = np.indices(turned.shape)
        row = (turned * rows).sum() / turned.sum() - 30
        column = (turned * columns).sum() / turned.sum() - 30
        assert math.hypot(row, column) == pytest.approx(20, abs=0.5)
        angles.add(round(math.degrees(math.atan2(row, column))))
    assert angles == {-degrees, degrees}


@pytest.mark.parametrize(("height", "width"), [(8, 8), (64, 20), (31, 32)])
def test_no_corner_is_lost_in_a_rotation(height, width):
    level = np.full((height, width, 3), 200, np.uint8)
    for number in range(4):
        assert (rotation(level, draws(number), 45) == 200).all()
