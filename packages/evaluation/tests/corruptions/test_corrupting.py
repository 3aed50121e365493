import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlopsproj_core.errors import ConfigError, ImageError
from mlopsproj_evaluation import corrupt
from mlopsproj_evaluation.corruptions.catalogue import CORRUPTIONS, SUITE
from mlopsproj_evaluation.corruptions.corruption import SEVERITIES

# Each draws something; the others do the same to every image.
DRAWING = {
    "gaussian_noise",
    "shot_noise",
    "impulse_noise",
    "motion_blur",
    "fog",
    "snow",
    "shift",
    "rotation",
}

every_corruption = pytest.mark.parametrize("name", CORRUPTIONS)


@st.composite
def batches(draw, most=3):
    shape = draw(st.integers(1, most)), draw(st.integers(8, 64)), draw(st.integers(8, 64))
    channels, seed = draw(st.sampled_from([1, 3])), draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    # From one value to all of them: black, white and anything between.
    low, high = sorted(rng.integers(0, 256, 2))
    images = rng.integers(low, high + 1, (*shape, channels), dtype=np.uint8)
    return images, [rng.bytes(32).hex() for _ in range(shape[0])]


@every_corruption
@settings(max_examples=25)
@given(batches(), st.sampled_from(SEVERITIES), st.integers(0, 3))
def test_gives_new_images_of_the_same_kind(name, batch, severity, seed):
    images, ids = batch
    before = images.copy()
    images.setflags(write=False)  # as a memory map is
    spoilt = corrupt(images, ids, name, severity, seed=seed)
    assert spoilt.shape == images.shape
    assert spoilt.dtype == np.uint8
    assert spoilt.flags.c_contiguous
    assert spoilt.flags.writeable
    assert not np.shares_memory(spoilt, images)
    assert (images == before).all()


@every_corruption
@settings(max_examples=10)
@given(batches(most=4), st.sampled_from(SEVERITIES), st.randoms(use_true_random=False))
def test_an_image_is_spoilt_alike_wherever_it_stands(name, batch, severity, random):
    images, ids = batch
    whole = corrupt(images, ids, name, severity)
    order = list(range(len(ids)))
    random.shuffle(order)
    shuffled = corrupt(images[order], [ids[row] for row in order], name, severity)
    assert (shuffled == whole[order]).all()
    for row in order:
        assert (corrupt(images[[row]], [ids[row]], name, severity)[0] == whole[row]).all()


@every_corruption
def test_id_and_seed_decide_what_is_drawn(name, scenes):
    images, ids = scenes(1, 24, 24, 3)
    images, ids = np.repeat(images, 6, axis=0), [*ids, *(f"{n:064x}" for n in range(5))]
    spoilt = corrupt(images, ids, name, 4)
    assert (corrupt(images, ids, name, 4) == spoilt).all()
    different = len(np.unique(spoilt.reshape(6, -1), axis=0))
    reseeded = corrupt(images, ids, name, 4, seed=1)
    if name in DRAWING:
        assert different > 1
        assert (reseeded != spoilt).any()
    else:
        assert different == 1
        assert (reseeded == spoilt).all()


def distance(spoilt, images):
    return np.abs(spoilt.astype(int) - images).mean()


@every_corruption
@pytest.mark.parametrize("channels", [1, 3])
def test_every_severity_hurts_more_than_the_one_before(name, channels, scenes):
    images, ids = scenes(60, 32, 32, channels)
    distances = [distance(corrupt(images, ids, name, s), images) for s in SEVERITIES]
    assert distances[0] > 0
    assert distances == sorted(distances)
    assert distances[4] > 1.2 * distances[0]


@every_corruption
@pytest.mark.parametrize(("height", "width"), [(8, 8), (8, 64), (13, 9), (64, 48), (200, 224)])
def test_five_hurts_more_than_one_at_any_size(name, height, width, scenes):
    images, ids = scenes(12, height, width, 3)
    slight, strong = (corrupt(images, ids, name, severity) for severity in (1, 5))
    assert 0 < distance(slight, images) < distance(strong, images)


def test_the_largest_images_are_taken(scenes):
    images, ids = scenes(1, 1024, 1024, 1)
    for name in CORRUPTIONS:
        assert (corrupt(images, ids, name, 5) != images).any()


def test_no_image_gives_none():
    assert corrupt(np.zeros((0, 8, 8, 1), np.uint8), [], "fog", 1).shape == (0, 8, 8, 1)


def test_another_name_is_told_what_there_is():
    with pytest.raises(ConfigError, match=r"no corruption 'fogg': choose from gaussian_noise, "):
        corrupt(np.zeros((1, 8, 8, 1), np.uint8), ["a"], "fogg", 1)


@pytest.mark.parametrize("severity", [0, 6, -1, 2.5])
def test_another_severity_is_refused(severity):
    with pytest.raises(ConfigError, match=rf"severity of {severity} .* 1 \(slight\) to 5"):
        corrupt(np.zeros((1, 8, 8, 1), np.uint8), ["a"], "fog", severity)


@pytest.mark.parametrize(
    "images",
    [
        np.zeros((1, 8, 8, 1), np.float32),
        np.zeros((1, 8, 8), np.uint8),
        np.zeros((1, 8, 8, 2), np.uint8),
        np.zeros((1, 7, 8, 1), np.uint8),
        np.zeros((1, 8, 1025, 3), np.uint8),
    ],
)
def test_other_arrays_are_refused(images):
    with pytest.raises(ImageError, match="cannot be corrupted: give uint8"):
        corrupt(images, ["a"], "fog", 1)


def test_an_id_for_each_image():
    with pytest.raises(ImageError, match="2 ids stand beside 1 images"):
        corrupt(np.zeros((1, 8, 8, 1), np.uint8), ["a", "b"], "fog", 1)


# Of each corruption at all severities. Whoever changes one on purpose raises SUITE: outcomes that
# were measured before cannot be compared with those after. JPEG is libjpeg's, and not pinned.
DIGESTS = {
    "gaussian_noise": "e98ed3994a5c",
    "shot_noise": "e59cee7f5452",
    "impulse_noise": "a147edd1dfc8",
    "gaussian_blur": "003a43b31fce",
    "motion_blur": "a0d4d81945c0",
    "fog": "93af00941545",
    "snow": "8f11de6dbfe9",
    "brightness": "4f22ba68b87f",
    "darkness": "b0fd7154ab85",
    "contrast": "31751845922e",
    "inversion": "bf1f81ab8830",
    "pixelation": "9965bd28a650",
    "shift": "dcc4825d8771",
    "rotation": "5078427e48af",
}


def digest(name):
    ramp = np.arange(2 * 24 * 20 * 3, dtype=np.int64)
    images = (ramp * ramp // 7 % 256).astype(np.uint8).reshape(2, 24, 20, 3)
    total = hashlib.sha256()
    for severity in SEVERITIES:
        total.update(corrupt(images, ["a" * 64, "b" * 64], name, severity).tobytes())
    return total.hexdigest()[:12]


def test_every_machine_draws_and_computes_the_same():
    assert SUITE == 1
    assert {name: digest(name) for name in CORRUPTIONS if name != "jpeg"} == DIGESTS
