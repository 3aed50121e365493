"""Small pictures of the records that are asked for, and of no others."""

import base64
import io

import numpy as np
import pytest
from mlopsproj_data.records import Record
from mlopsproj_data.validation.thumbnails import THUMBNAIL_SIDE, thumbnails
from PIL import Image


def picture(uri):
    kind, _, data = uri.partition(",")
    assert kind == "data:image/jpeg;base64"
    return Image.open(io.BytesIO(base64.b64decode(data, validate=True)))


@pytest.fixture
def source(make_source, tmp_path):
    path = tmp_path / "red.png"
    Image.new("RGBA", (300, 200), "red").save(path)
    grey = np.full((28, 28), 90, np.uint8)
    images = [grey, path, tmp_path / "gone.png", b"no picture", path.read_bytes()]
    return make_source(records=[Record(image, 0, None, None, "") for image in images])


def test_files_bytes_and_arrays_are_shown_in_colour(source):
    shown = thumbnails(source, [0, 1, 4])
    assert shown.keys() == {0, 1, 4}
    for row, colour in ((0, (90, 90, 90)), (1, (254, 0, 0)), (4, (254, 0, 0))):
        image = picture(shown[row])
        assert (image.size, image.mode) == ((THUMBNAIL_SIDE, THUMBNAIL_SIDE), "RGB")
        assert np.abs(np.subtract(image.getpixel((40, 40)), colour)).max() <= 2


def test_what_cannot_be_read_or_is_not_there_is_left_out(source):
    assert thumbnails(source, [2, 3, 17]) == {}


def test_no_more_records_are_read_than_needed(make_source):
    def records():
        yield Record(np.zeros((8, 8), np.uint8), 0, None, None, "")
        raise AssertionError

    source = make_source()
    object.__setattr__(source, "records", records)
    assert thumbnails(source, [0]).keys() == {0}
    assert thumbnails(source, []) == {}
