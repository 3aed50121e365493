import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from mlopsproj_data import colour
from PIL import Image, ImageEnhance, ImageOps


def noise(shape=(5, 9, 11, 3), seed=0, low=0, high=256):
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.integers(low, high, shape, dtype=np.uint8))


def pillow(image):
    return Image.fromarray(image.numpy().squeeze())


def pixels(image, like):
    return torch.tensor(np.asarray(image)).view(like.shape)


def difference(one, other):
    return int((one.int() - other.int()).abs().max())


def drawn(seed):
    return torch.Generator().manual_seed(seed)


OPERATIONS = {
    "jitter": lambda images: colour.jitter(images, 0.8, drawn(3)),
    "sharpen": lambda images: colour.sharpen(images, torch.linspace(0, 1.9, len(images))),
    "posterise": lambda images: colour.posterise(images, 4),
    "solarise": lambda images: colour.solarise(images, 100),
    "stretch_contrast": colour.stretch_contrast,
    "equalise": colour.equalise,
}


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("channels", [1, 3])
@given(seed=st.integers(0, 100), low=st.integers(0, 200), width=st.integers(1, 56))
def test_every_operation_gives_new_images_of_the_same_kind(name, channels, seed, low, width):
    images = noise((4, 8, 9, channels), seed, low, low + width)
    before = images.clone()
    result = OPERATIONS[name](images)
    assert (result.shape, result.dtype) == (images.shape, torch.uint8)
    assert torch.equal(images, before)
    alone = [OPERATIONS[name](images)[i] for i in range(4)]
    assert torch.equal(torch.stack(alone), result)


@pytest.mark.parametrize("name", OPERATIONS)
@given(seed=st.integers(0, 1000))
def test_grey_stays_grey(name, seed):
    grey = noise((6, 9, 8, 1), seed).expand(6, 9, 8, 3).contiguous()
    result = OPERATIONS[name](grey)
    assert (result == result[..., :1]).all()


@pytest.mark.parametrize("channels", [1, 3])
def test_factors_of_one_leave_an_image(channels):
    images = noise((3, 9, 9, channels))
    ones = torch.ones(3)
    assert torch.equal(
        colour.adjust(images, brightness=ones, contrast=ones, saturation=ones), images
    )
    assert torch.equal(colour.adjust(images), images)
    assert torch.equal(colour.sharpen(images, ones), images)
    assert torch.equal(colour.jitter(images, 0.0, drawn(0)), images)
    assert torch.equal(colour.posterise(images, 8), images)
    assert torch.equal(colour.solarise(images, 256), images)


@pytest.mark.parametrize(
    ("name", "enhancer"),
    [
        ("brightness", ImageEnhance.Brightness),
        ("contrast", ImageEnhance.Contrast),
        ("saturation", ImageEnhance.Color),
    ],
)
def test_adjusts_each_image_as_pillow_does(name, enhancer):
    images = noise()
    factors = torch.tensor([0.0, 0.4, 1.0, 1.3, 1.9])
    result = colour.adjust(images, **{name: factors})
    for image, factor, found in zip(images, factors, result, strict=True):
        expected = enhancer(pillow(image)).enhance(float(factor))
        # Pillow cuts off where this rounds, and rounds the mean grey.
        assert difference(found, pixels(expected, image)) <= 2


def test_brightness_contrast_and_saturation_are_joined_without_clipping_in_between():
    images = noise(low=30, high=100)
    up, down = torch.full((5,), 3.6), torch.full((5,), 0.1)
    result = colour.adjust(images, brightness=up, contrast=down)
    assert len(result.unique()) > 20  # 71 to 100 times 3.6 would be white, and stay so
    mean = images.float().mul(torch.tensor([0.299, 0.587, 0.114])).sum(3).mean((1, 2))
    expected = 0.36 * images + 3.24 * mean.view(-1, 1, 1, 1)
    assert difference(result, expected.round().clamp(0, 255)) <= 1


def test_sharpens_each_image_as_pillow_does():
    images = noise((5, 12, 10, 3))
    factors = torch.tensor([0.0, 0.4, 1.0, 1.3, 1.9])
    result = colour.sharpen(images, factors)
    for image, factor, found in zip(images, factors, result, strict=True):
        expected = ImageEnhance.Sharpness(pillow(image)).enhance(float(factor))
        assert difference(found, pixels(expected, image)) <= 2


@pytest.mark.parametrize("channels", [1, 3])
def test_posterises_and_solarises_as_pillow_does(channels):
    images = noise((4, 9, 9, channels))
    posterised, solarised = colour.posterise(images, 3), colour.solarise(images, 77)
    for place, image in enumerate(images):
        assert torch.equal(posterised[place], pixels(ImageOps.posterize(pillow(image), 3), image))
        expected = ImageOps.solarize(pillow(image), threshold=77)
        assert torch.equal(solarised[place], pixels(expected, image))


@pytest.mark.parametrize("channels", [1, 3])
@given(seed=st.integers(0, 1000), low=st.integers(0, 200), width=st.integers(1, 56))
def test_stretches_and_equalises_as_pillow_does(channels, seed, low, width):
    images = noise((3, 20, 19, channels), seed, low, low + width)
    stretched, equalised = colour.stretch_contrast(images), colour.equalise(images)
    for place, image in enumerate(images):
        expected = pixels(ImageOps.autocontrast(pillow(image)), image)
        assert difference(stretched[place], expected) <= 1
        assert torch.equal(equalised[place], pixels(ImageOps.equalize(pillow(image)), image))


def test_jitter_draws_for_each_image_and_within_its_strength():
    images = torch.full((2000, 8, 8, 1), 100, dtype=torch.uint8)
    values = colour.jitter(images, 0.2, drawn(0))[:, 0, 0, 0].float()
    assert 118 < float(values.max()) <= 120
    assert 80 <= float(values.min()) < 82
    assert abs(float(values.mean()) - 100) < 1
    assert len(values.unique()) > 30
