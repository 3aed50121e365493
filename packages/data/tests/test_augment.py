import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from mlopsproj_core.errors import ConfigError
from mlopsproj_data.augment import augment, check_augment
from mlopsproj_data.config import Augmentation

OFF = Augmentation(flip=False, shift=0, cutout=0)

configs = st.builds(
    Augmentation,
    flip=st.booleans(),
    shift=st.integers(0, 4),
    crop=st.sampled_from([1.0, 0.3]),
    rotate=st.sampled_from([0.0, 20.0]),
    colour=st.sampled_from([0.0, 0.5]),
    operations=st.integers(0, 3),
    magnitude=st.floats(0, 1),
    cutout=st.integers(0, 8),
)
shapes = st.tuples(
    st.integers(1, 9), st.integers(8, 14), st.integers(8, 14), st.sampled_from([1, 3])
) | st.sampled_from([(2, 64, 56, 3), (2, 100, 100, 1)])


def make(shape, seed=0):
    """Images without a pixel of the grey that a square is cut out in."""
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.integers(0, 128, shape, dtype=np.uint8))


def drawn(seed):
    return torch.Generator().manual_seed(seed)


@given(shape=shapes, config=configs, seed=st.integers(0, 2**63))
def test_is_a_pure_function_of_batch_and_generator(shape, config, seed):
    images = make(shape)
    before = images.clone()
    torch.manual_seed(1)
    first = augment(images, config, drawn(seed))
    torch.manual_seed(2)
    second = augment(images, config, drawn(seed))
    assert torch.equal(first, second)
    assert torch.equal(images, before)
    assert (first.shape, first.dtype) == (images.shape, torch.uint8)
    if config == OFF:
        assert torch.equal(first, images)


@given(shape=shapes, seed=st.integers(0, 1000))
def test_off_is_the_identity(shape, seed):
    images = make(shape)
    assert torch.equal(augment(images, OFF, drawn(seed)), images)


def test_does_not_touch_the_generator_of_others():
    state = torch.random.get_rng_state()
    augment(make((8, 28, 28, 1)), Augmentation(shift=2, cutout=6), drawn(0))
    assert torch.equal(torch.random.get_rng_state(), state)


def test_another_draw_varies_otherwise():
    images = make((64, 16, 16, 1))
    config = Augmentation(flip=True, shift=3)
    assert not torch.equal(augment(images, config, drawn(1)), augment(images, config, drawn(2)))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("shift", [1, 3])
def test_a_shift_moves_pixels_exactly_and_repeats_the_border(channels, shift):
    images = make((200, 10, 12, channels))
    moved = augment(images, Augmentation(flip=False, shift=shift), drawn(3)).numpy()
    reach = range(-shift, shift + 1)
    found = set()
    for image, result in zip(images.numpy(), moved, strict=True):
        padded = np.pad(image, ((shift, shift), (shift, shift), (0, 0)), mode="edge")
        fitting = [
            (dy, dx)
            for dy in reach
            for dx in reach
            if np.array_equal(padded[shift + dy :, shift + dx :][:10, :12], result)
        ]
        assert len(fitting) == 1
        found.update(fitting)
    assert found == {(dy, dx) for dy in reach for dx in reach}


def test_a_flip_mirrors_about_half_of_the_images_left_to_right():
    images = make((1000, 8, 9, 3))
    result = augment(images, Augmentation(flip=True, shift=0), drawn(0))
    kept = (result == images).flatten(1).all(dim=1)
    mirrored = (result == images.flip(2)).flatten(1).all(dim=1)
    assert (kept ^ mirrored).all()
    assert 440 <= int(mirrored.sum()) <= 560


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("side", [1, 4, 10])
def test_cutout_greys_out_one_square_and_nothing_else(channels, side):
    images = make((3000, 10, 14, channels))
    config = Augmentation(flip=False, shift=0, cutout=side)
    result = augment(images, config, drawn(5))
    grey = (result == 128).all(dim=3)
    assert torch.equal(result[~grey], images[~grey])
    areas = grey.sum(dim=(1, 2))
    assert int(areas.min()) >= 1
    assert int(areas.max()) <= side * side
    heights, widths = grey.any(dim=2).sum(dim=1), grey.any(dim=1).sum(dim=1)
    assert torch.equal(areas, heights * widths)  # a rectangle: the square where it lies inside
    inside = ~(
        grey[:, 0].any(1) | grey[:, -1].any(1) | grey[:, :, 0].any(1) | grey[:, :, -1].any(1)
    )
    assert (areas[inside] == side * side).all()
    assert inside.any() or side == 10
    assert grey.any(dim=0).all()  # over many images every place is met


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (
            Augmentation(shift=-1),
            r"data\.augment\.shift=-1: give 0 to 14 pixels, for images of 28",
        ),
        (Augmentation(shift=15), r"data\.augment\.shift=15: give 0 to 14"),
        (Augmentation(cutout=-2), r"data\.augment\.cutout=-2: give 0 to 28"),
        (Augmentation(cutout=29), r"data\.augment\.cutout=29: give 0 to 28"),
        (Augmentation(crop=0.0), r"data\.augment\.crop=0\.0: give 0\.05 to 1 of the area\."),
        (Augmentation(crop=1.1), r"data\.augment\.crop=1\.1: give"),
        (Augmentation(crop=float("nan")), r"data\.augment\.crop=nan: give"),
        (Augmentation(rotate=-1.0), r"data\.augment\.rotate=-1\.0: give 0 to 180 degrees\."),
        (Augmentation(colour=1.5), r"data\.augment\.colour=1\.5: give 0 to 1\."),
        (Augmentation(operations=9), r"data\.augment\.operations=9: give 0 to 8\."),
        (Augmentation(magnitude=-0.1), r"data\.augment\.magnitude=-0\.1: give 0 to 1\."),
    ],
)
def test_what_cannot_be_is_refused(config, message):
    with pytest.raises(ConfigError, match=message):
        check_augment(config, 28)


@pytest.mark.parametrize(
    "config",
    [
        OFF,
        Augmentation(shift=14, cutout=28),
        Augmentation(),
        Augmentation(crop=0.05, rotate=180, colour=1, operations=8, magnitude=1),
    ],
)
def test_what_can_be_is_taken(config):
    check_augment(config, 28)


@pytest.mark.parametrize("side", [12, 64])
@pytest.mark.parametrize(
    "config",
    [
        Augmentation(flip=False, shift=0, crop=0.3),
        Augmentation(flip=False, shift=0, rotate=30),
        Augmentation(flip=False, shift=0, colour=0.5),
        Augmentation(flip=False, shift=0, operations=2, magnitude=0.5),
    ],
)
def test_images_of_a_batch_are_varied_each_in_its_own_way(side, config):
    images = make((1, side, side, 3)).expand(32, side, side, 3)
    result = augment(images, config, drawn(0))
    assert len({image.numpy().tobytes() for image in result}) > 24


def test_what_is_drawn_does_not_depend_on_how_images_are_read():
    """The same corners and mirrorings, for small images at once and for large ones alone."""
    config = Augmentation(shift=6)
    small, large = make((40, 20, 20, 3)), make((40, 100, 100, 3))
    once, again = augment(small, config, drawn(4)), augment(large, config, drawn(4))

    def moves(images, results):
        found = []
        for image, result in zip(images.numpy(), results.numpy(), strict=True):
            padded = np.pad(image, ((6, 6), (6, 6), (0, 0)), mode="edge")
            side = len(image)
            found += [
                (flipped, dy, dx)
                for flipped in (False, True)
                for dy in range(13)
                for dx in range(13)
                if np.array_equal(
                    padded[dy : dy + side, dx : dx + side][:, :: -1 if flipped else 1], result
                )
            ]
        return found

    assert moves(small, once) == moves(large, again)
    assert len(moves(small, once)) == 40
