import hashlib

import numpy as np
from mlopsproj_data.records import content_id


def test_the_id_of_a_file_is_its_sha256():
    assert content_id(b"a file") == hashlib.sha256(b"a file").hexdigest()


def test_the_id_of_an_array_follows_its_shape_and_pixels():
    pixels = np.arange(12, dtype=np.uint8)
    expected = hashlib.sha256(b"(3, 4)" + bytes(range(12))).hexdigest()
    assert content_id(pixels.reshape(3, 4)) == expected
    assert content_id(pixels.reshape(4, 3)) != expected


def test_the_id_does_not_depend_on_how_an_array_lies_in_memory():
    pixels = np.arange(48, dtype=np.uint8).reshape(6, 8)
    assert content_id(pixels[::2, ::2]) == content_id(pixels[::2, ::2].copy())
    assert content_id(pixels) == content_id(np.asfortranarray(pixels))
