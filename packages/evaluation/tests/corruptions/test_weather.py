import numpy as np
import pytest
from mlopsproj_evaluation.corruptions.draws import Draws
from mlopsproj_evaluation.corruptions.weather import fog, snow


def draws(number=0):
    return Draws(str(number), "weather", 1, 0)


@pytest.mark.parametrize("thickness", [0.2, 0.5, 0.7])
def test_fog_hides_its_share_of_the_dark_and_of_the_light(thickness):
    black, white = np.zeros((60, 80, 1), np.uint8), np.full((60, 80, 1), 255, np.uint8)
    seen = [
        np.mean([fog(pixels, draws(n), thickness) for n in range(40)]) for pixels in (black, white)
    ]
    assert seen == pytest.approx([230 * thickness, 255 - 25 * thickness], rel=0.06)


def test_fog_is_cloudy_and_without_edges():
    veil = fog(np.zeros((96, 96, 1), np.uint8), draws(), 0.5)[..., 0].astype(int)
    assert veil.max() - veil.min() > 30
    assert abs(np.diff(veil, axis=0)).max() < 12
    assert abs(np.diff(veil, axis=1)).max() < 12


def test_fog_lies_over_all_colours_alike():
    veil = fog(np.zeros((32, 32, 3), np.uint8), draws(), 0.5)
    assert (veil == veil[..., :1]).all()


def test_nothing_is_darker_in_the_snow(scenes):
    images, _ = scenes(5, 64, 64, 3)
    for number, pixels in enumerate(images):
        assert (snow(pixels, draws(number), 0.1) >= pixels).all()


def test_more_flakes_cover_more():
    black = np.zeros((64, 64, 1), np.uint8)
    covered = [
        np.mean([(snow(black, draws(n), share) > 0).mean() for n in range(20)])
        for share in (0.0, 0.02, 0.05, 0.2)
    ]
    assert covered[0] == 0
    assert covered == sorted(covered)
    assert 0.02 < covered[1] < 0.25


def test_flakes_fall():
    """Their streaks are longer than they are wide."""
    black = np.zeros((256, 256, 1), np.uint8)
    fallen = snow(black, draws(), 0.02)[..., 0].astype(int)
    assert abs(np.diff(fallen, axis=0)).mean() < 0.7 * abs(np.diff(fallen, axis=1)).mean()
