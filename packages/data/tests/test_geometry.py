import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from mlopsproj_data.config import Augmentation
from mlopsproj_data.geometry import Placement, draw_placement, placed, rotations
from PIL import Image

SMALL, LARGE = 12, 96  # read together, and each alone


def photo(side, *, channels=3, count=1):
    """Soft waves: what lies between two pixels is about their mean."""
    y, x = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    turn = 2 * math.pi / side
    waves = [(turn * (x * (c + 1) + y)).cos() for c in range(channels)]
    image = (127.5 + 100 * torch.stack(waves, dim=2)).round().to(torch.uint8)
    return image.expand(count, side, side, channels).clone()


def noise(shape, seed=0):
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.integers(0, 256, shape, dtype=np.uint8))


def placement(side, *, window=None, mirrored=False, turn=None):
    windows = torch.tensor([window or (0, 0, side, side)])
    turns = None if turn is None else rotations(torch.tensor([float(turn)]))
    return Placement(windows, torch.tensor([mirrored]), turns)


def drawn(seed):
    return torch.Generator().manual_seed(seed)


def difference(one, other):
    return int((one.int() - other.int()).abs().max())


settings = st.builds(
    Augmentation,
    flip=st.booleans(),
    shift=st.integers(0, 4),
    crop=st.floats(0.05, 1),
    rotate=st.floats(0, 180),
)


@given(
    side=st.sampled_from([8, 11, SMALL, LARGE]),
    channels=st.sampled_from([1, 3]),
    config=settings,
    seed=st.integers(0, 1000),
)
def test_stays_within_the_values_of_the_image(side, channels, config, seed):
    images = noise((3, side, side, channels), seed) // 2 + 40
    before = images.clone()
    result = placed(images, draw_placement(images.shape, config, drawn(seed)))
    assert (result.shape, result.dtype) == (images.shape, torch.uint8)
    assert torch.equal(images, before)
    for image, changed in zip(images, result, strict=True):
        assert image.min() <= changed.min()
        assert changed.max() <= image.max()


@pytest.mark.parametrize("side", [SMALL, LARGE])
@pytest.mark.parametrize("channels", [1, 3])
def test_nothing_to_do_is_the_identity_bit_for_bit(side, channels):
    images = noise((2, side, side, channels))
    whole = torch.tensor([[0, 0, side, side]] * 2)
    unturned = torch.eye(3).repeat(2, 1, 1)
    for turns in (None, unturned):
        assert torch.equal(placed(images, Placement(whole, torch.zeros(2).bool(), turns)), images)


@pytest.mark.parametrize("side", [SMALL, LARGE])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("corner", [(0, 0), (2, -1), (-3, 0), (1, 3), (-2, -2)])
def test_a_shifted_window_is_exact_however_it_is_read(side, channels, mirrored, corner):
    image = noise((1, side, side, channels))
    padded = np.pad(image[0].numpy(), ((4, 4), (4, 4), (0, 0)), mode="edge")
    expected = padded[4 + corner[0] :, 4 + corner[1] :][:side, :side]
    if mirrored:
        expected = expected[:, ::-1]
    window = (*corner, side, side)
    moved = placed(image, placement(side, window=window, mirrored=mirrored))
    assert np.array_equal(moved[0].numpy(), expected)
    warped = placed(image, placement(side, window=window, mirrored=mirrored, turn=0))
    assert difference(warped[0], torch.tensor(expected.copy())) <= 1


@pytest.mark.parametrize("side", [SMALL, LARGE])
@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("share", [(0, 0, 1 / 2, 1 / 2), (1 / 4, 1 / 12, 2 / 3, 5 / 6)])
def test_a_crop_is_what_pillow_enlarges(side, mirrored, share):
    image = photo(side)
    top, left, height, width = window = tuple(round(part * side) for part in share)
    pillow = Image.fromarray(image[0].numpy()).crop((left, top, left + width, top + height))
    pillow = pillow.resize((side, side), Image.Resampling.BILINEAR)
    if mirrored:
        pillow = pillow.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    found = placed(image, placement(side, window=window, mirrored=mirrored))
    warped = placed(image, placement(side, window=window, mirrored=mirrored, turn=0))
    expected = torch.tensor(np.asarray(pillow))
    # A pixel at the rim is mixed with what lies beyond it, where the batch is read at once.
    inside = slice(1, -1)
    assert difference(warped[0, inside, inside], expected[inside, inside]) <= 1
    if side == LARGE:
        assert difference(found[0], expected) <= 1


def test_an_overhanging_crop_repeats_the_border():
    image = noise((1, LARGE, LARGE, 3))
    padded = np.pad(image.numpy(), ((0, 0), (8, 8), (8, 8), (0, 0)), mode="edge")
    larger = torch.from_numpy(padded)
    found = placed(image, placement(LARGE, window=(-5, 60, 48, 40)))
    inside = torch.nn.functional.interpolate(
        larger[:, 3:51, 68:108].permute(0, 3, 1, 2), size=(LARGE, LARGE), mode="bilinear"
    ).permute(0, 2, 3, 1)
    assert torch.equal(found, inside)


@pytest.mark.parametrize("side", [32, LARGE])
@pytest.mark.parametrize("degrees", [-30, 12, 90])
def test_a_turn_is_that_of_pillow_counterclockwise(side, degrees):
    image = photo(side)
    pillow = Image.fromarray(image[0].numpy()).rotate(degrees, Image.Resampling.BILINEAR)
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    inside = torch.tensor(np.hypot(y, x) < side / 2 - 2)
    found = placed(image, placement(side, turn=degrees))
    assert difference(found[0][inside], torch.tensor(np.asarray(pillow))[inside]) <= 2


def test_turns_before_are_joined():
    first, second = torch.tensor([10.0, 20.0]), torch.tensor([-10.0, 40.0])
    windows = torch.tensor([[0, 0, 8, 8]] * 2)
    unturned = Placement(windows, torch.zeros(2).bool(), None)
    both = unturned.after(rotations(second)).after(rotations(first)).turns
    assert torch.allclose(both, rotations(first + second), atol=1e-6)


@given(crop=st.floats(0.05, 0.99), size=st.tuples(st.integers(64, 300), st.integers(64, 300)))
def test_crops_lie_inside_and_have_the_areas_that_were_asked_for(crop, size):
    height, width = size
    config = Augmentation(flip=False, shift=0, crop=crop)
    top, left, rows, columns = draw_placement((200, height, width, 3), config, drawn(0)).windows.T
    assert int(top.min()) >= 0
    assert int(left.min()) >= 0
    assert bool((top + rows <= height).all())
    assert bool((left + columns <= width).all())
    areas = (rows * columns) / (height * width)
    assert crop - 0.05 < float(areas.min())
    assert float(areas.max()) <= 1


def test_crops_are_spread_over_areas_aspects_and_places():
    config = Augmentation(flip=False, shift=0, crop=0.2)
    top, left, rows, columns = draw_placement((5000, 200, 200, 3), config, drawn(1)).windows.T
    areas = rows * columns / 200**2
    quarters = torch.histc(areas, bins=4, min=0.2, max=1) / len(areas)
    assert (quarters - 0.25).abs().max() < 0.03  # uniform
    aspects = (columns / rows).log()
    assert 0.25 < float(aspects.max()) <= math.log(4 / 3) + 0.03
    assert abs(float(aspects.mean())) < 0.01
    # In the middle on average, and everywhere.
    assert abs(float((top + rows / 2).mean()) - 100) < 1.5
    assert abs(float((left + columns / 2).mean()) - 100) < 1.5
    covered = torch.zeros(200, 200)
    for y, x, h, w in zip(top, left, rows, columns, strict=True):
        covered[y : y + h, x : x + w] += 1
    assert int(covered.min()) > 0


def test_turns_are_spread_over_both_directions():
    config = Augmentation(flip=False, shift=0, rotate=30)
    turns = draw_placement((4000, 8, 8, 1), config, drawn(2)).turns
    degrees = torch.rad2deg(torch.atan2(turns[:, 1, 0], turns[:, 0, 0]))
    assert 29 < float(degrees.max()) <= 30.001
    assert -30.001 <= float(degrees.min()) < -29
    assert abs(float(degrees.mean())) < 1


def test_an_empty_batch_stays_one():
    images = torch.zeros((0, 8, 8, 3), dtype=torch.uint8)
    config = Augmentation(crop=0.5)
    assert placed(images, draw_placement(images.shape, config, drawn(0))).shape == images.shape
