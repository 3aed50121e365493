import numpy as np
import pytest
from mlopsproj_evaluation.corruptions.draws import Draws
from mlopsproj_evaluation.corruptions.noise import gaussian_noise, impulse_noise, shot_noise


def level(value, side=200):
    return np.full((side, side, 1), value, np.uint8)


def draws(name="a"):
    return Draws(name, "noise", 1, 0)


@pytest.mark.parametrize("deviation", [0.04, 0.1, 0.14])
def test_gaussian_noise_has_the_deviation_that_is_asked_for(deviation):
    noise = gaussian_noise(level(128), draws(), deviation).astype(float) - 128
    assert noise.mean() == pytest.approx(0, abs=0.5)
    assert noise.std() == pytest.approx(255 * deviation, rel=0.02)
    # As a normal distribution: two thirds within one deviation, one in twenty beyond two.
    within = [(abs(noise) < times * 255 * deviation).mean() for times in (1, 2)]
    assert within == pytest.approx([0.683, 0.954], abs=0.02)


def test_gaussian_noise_stops_at_black_and_white():
    assert gaussian_noise(level(0), draws(), 0.2).max() < 250
    assert (gaussian_noise(level(0), draws(), 0.2) == 0).mean() == pytest.approx(0.5, abs=0.02)
    assert (gaussian_noise(level(255), draws(), 0.2) == 255).mean() == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("photons", [6, 25, 100])
@pytest.mark.parametrize("value", [25, 51])
def test_shot_noise_counts_photons(photons, value):
    counts = shot_noise(level(value), draws(), photons) / 255 * photons
    expected = value / 255 * photons
    assert abs(counts - counts.round()).max() < 0.5 * photons / 255 + 1e-9
    assert counts.mean() == pytest.approx(expected, rel=0.04)
    assert counts.var() == pytest.approx(expected, rel=0.05)


def test_shot_noise_sees_nothing_in_the_dark():
    assert not shot_noise(level(0), draws(), 6).any()


@pytest.mark.parametrize("share", [0.01, 0.06, 0.2])
def test_impulse_noise_sets_its_share_half_black_half_white(share):
    spoilt = impulse_noise(level(77), draws(), share)
    assert set(np.unique(spoilt)) == {0, 77, 255}
    assert (spoilt == 0).mean() == pytest.approx(share / 2, abs=0.005)
    assert (spoilt == 255).mean() == pytest.approx(share / 2, abs=0.005)
