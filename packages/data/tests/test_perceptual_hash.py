"""Copies of a picture are near to it, other pictures are not, and every near pair is found."""

import io
from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlopsproj_core.image import ImageSpec, prepare_image
from mlopsproj_data.config import DataConfig
from mlopsproj_data.perceptual_hash import HASH_BYTES, NEAR_DISTANCE, near_pairs, perceptual_hash
from mlopsproj_data.sources.recognition import open_source
from PIL import Image, ImageEnhance

SPEC = ImageSpec(64, 64, 3)


def scene(seed):
    """A picture of its own with the spectrum of a photograph: the finer, the weaker."""
    random = np.random.default_rng(seed)
    total = np.zeros((120, 160, 3))
    for side in (3, 6, 12, 24, 48, 96):
        octave = Image.fromarray(random.integers(0, 256, (side, side, 3), dtype=np.uint8))
        total += np.asarray(octave.resize((160, 120), Image.Resampling.BICUBIC)) / side
    low, high = total.min(), total.max()
    return Image.fromarray(((total - low) / (high - low) * 255).astype(np.uint8))


def encoded(image, form="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def hash_of(data):
    return perceptual_hash(prepare_image(data, SPEC).pixels)


def distance(one, other):
    return sum((a ^ b).bit_count() for a, b in zip(one, other, strict=True))


def all_pairs(hashes, **options):
    return [pair for block in near_pairs(hashes, **options) for pair in block.tolist()]


COPIES = {
    "jpeg": lambda image: encoded(image, "JPEG", quality=50),
    "webp": lambda image: encoded(image, "WEBP", quality=90),
    "halved": lambda image: encoded(image.resize((80, 60))),
    "doubled": lambda image: encoded(image.resize((320, 240))),
    "cropped": lambda image: encoded(image.crop((1, 1, 159, 119))),
    "darker": lambda image: encoded(ImageEnhance.Brightness(image).enhance(0.7)),
    "grey": lambda image: encoded(image.convert("L")),
}


@pytest.mark.parametrize("copy", COPIES.values(), ids=COPIES.keys())
def test_a_copy_is_near(copy):
    for seed in range(5):
        image = scene(seed)
        assert distance(hash_of(encoded(image)), hash_of(copy(image))) <= NEAR_DISTANCE


def test_other_pictures_are_far():
    hashes = [hash_of(encoded(scene(seed))) for seed in range(20)]
    assert all_pairs(hashes) == []
    assert min(distance(one, other) for one in hashes for other in hashes if one != other) > 64


def test_a_picture_in_a_mirror_or_upside_down_is_another():
    image = scene(0)
    for turn in (Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.ROTATE_180):
        turned = hash_of(encoded(image.transpose(turn)))
        assert distance(hash_of(encoded(image)), turned) > NEAR_DISTANCE


@pytest.mark.parametrize("side", [28, 33, 100, 1024])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_hash_has_32_bytes_of_which_half_the_bits_are_set(side, channels):
    shape = (side, side, channels)
    pixels = np.random.default_rng(side).integers(0, 256, shape, dtype=np.uint8)
    value = perceptual_hash(pixels)
    assert len(value) == HASH_BYTES
    assert sum(byte.bit_count() for byte in value) == HASH_BYTES * 4


@pytest.mark.parametrize("channels", [1, 3])
def test_an_image_of_few_pixels_lacks_frequencies_and_sets_half_the_bits_or_more(channels):
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, channels), dtype=np.uint8)
    value = perceptual_hash(pixels)
    missing = 31  # the 16th of each axis cancels out where a pixel covers four
    assert 0 <= sum(byte.bit_count() for byte in value) - HASH_BYTES * 4 <= missing


def test_other_sides_than_a_square_can_be_hashed():
    pixels = np.random.default_rng(0).integers(0, 256, (24, 80, 3), dtype=np.uint8)
    assert len(perceptual_hash(pixels)) == HASH_BYTES


def test_an_image_of_one_shade_looks_like_nothing():
    pixels = np.full((28, 28, 1), 90, dtype=np.uint8)
    assert perceptual_hash(pixels) == b""
    pixels[:14] += 1  # as compression may
    assert perceptual_hash(pixels) == b""
    assert all_pairs([b"", b"", None, None]) == []


@settings(max_examples=60)
@given(data=st.data())
def test_the_search_finds_what_comparing_each_with_each_finds(data):
    seed = data.draw(st.integers(0, 2**32 - 1))
    random = np.random.default_rng(seed)
    hashes = []
    for _ in range(data.draw(st.integers(0, 40))):
        kind = random.integers(0, 8)
        if kind == 0:
            hashes.append(None if seed % 2 else b"")
        elif kind < 4 and hashes and hashes[-1]:
            bits = np.unpackbits(np.frombuffer(hashes[-1], np.uint8))
            bits[random.choice(256, random.integers(0, 60), replace=False)] ^= 1
            hashes.append(np.packbits(bits).tobytes())
        else:
            hashes.append(random.bytes(HASH_BYTES))
    limit = data.draw(st.sampled_from([0, NEAR_DISTANCE, 60, 256]))
    expected = [
        [i, j]
        for i, one in enumerate(hashes)
        for j, other in enumerate(hashes)
        if i < j and one and other and distance(one, other) <= limit
    ]
    assert all_pairs(hashes, distance=limit) == expected


def test_pairs_are_found_across_blocks():
    random = np.random.default_rng(0)
    hashes = [random.bytes(HASH_BYTES) for _ in range(1500)]
    hashes[1499], hashes[700] = hashes[0], hashes[699]
    assert all_pairs(hashes) == [[0, 1499], [699, 700]]


def test_images_that_all_look_the_same_come_in_bounded_blocks():
    count = 3000
    blocks = list(near_pairs([bytes(range(HASH_BYTES))] * count))
    assert sum(map(len, blocks)) == count * (count - 1) // 2
    assert max(map(len, blocks)) <= 1 << 18
    assert [int(block[-1, 0]) + 1 for block in blocks[:-1]] == [
        int(block[0, 0]) for block in blocks[1:]
    ], "all pairs of an image stand in one block"


def test_small_centred_products_are_told_apart():
    """Of the 4.5e6 pairs of 3,000 product photos, hardly any are near."""
    source = open_source(DataConfig())
    hashes = [
        perceptual_hash(prepare_image(record.image, source.spec).pixels)
        for record in islice(source.records(), 3000)
    ]
    assert len(all_pairs(hashes)) <= 3
