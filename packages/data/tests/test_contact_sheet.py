"""The sheet shows images of each class in its row."""

import numpy as np
import pytest
from mlopsproj_core.image import ImageSpec
from mlopsproj_data import prepare_source
from mlopsproj_data.contact_sheet import IMAGES_PER_CLASS, MOST_CLASSES, contact_sheet
from mlopsproj_data.records import Record

LEFT, SIDE, GAP = 160, 64, 4


@pytest.fixture
def prepared(make_source, tmp_path):
    def prepare(counts, *, spec, classes=None):
        """So many images of each class, whose colour tells the class."""
        rng = np.random.default_rng(0)
        records = []
        for label, count in enumerate(counts):
            for index in range(count):
                low = 10 * (label % 20)
                image = rng.integers(low, low + 9, (12, 12, 3), dtype=np.uint8)
                split = ("train", "validation", "test")[index % 3]
                records.append(Record(image, label, split, None, f"{label}/{index}"))
        names = classes or tuple(f"class {label}" for label in range(len(counts)))
        source = make_source(records, spec=spec, classes=names)
        return prepare_source(source, tmp_path, validation_fraction=0.1)

    return prepare


def tiles(sheet, row):
    """The colours of a row's places: None where there is no image."""
    pixels = np.asarray(sheet)
    top = GAP + row * (SIDE + GAP)
    places = [
        pixels[top : top + SIDE, left : left + SIDE]
        for left in range(LEFT, LEFT + IMAGES_PER_CLASS * (SIDE + GAP), SIDE + GAP)
    ]
    return [None if place.min() == 255 else int(place.min()) // 10 for place in places]


@pytest.mark.parametrize("channels", [1, 3])
def test_a_row_holds_images_of_its_class(prepared, channels):
    dataset = prepared([60, 30, 6], spec=ImageSpec(8, 8, channels))
    sheet = contact_sheet(dataset)
    assert sheet.size == (LEFT + IMAGES_PER_CLASS * (SIDE + GAP), GAP + 3 * (SIDE + GAP))
    assert tiles(sheet, 0) == [0] * 10
    assert tiles(sheet, 1) == [1] * 10
    assert tiles(sheet, 2) == [2] * 6 + [None] * 4


def test_names_of_any_length_and_letters_are_drawn(prepared):
    names = ("a" * 300, "長靴\nzwei")
    dataset = prepared([9, 9], spec=ImageSpec(8, 8, 3), classes=names)
    sheet = np.asarray(contact_sheet(dataset))
    for row in range(2):
        top = GAP + row * (SIDE + GAP)
        assert sheet[top : top + SIDE, :LEFT].min() < 128
    assert sheet[:, LEFT - GAP : LEFT].min() == 255


def test_a_picture_does_not_grow_with_the_classes(prepared):
    count = MOST_CLASSES + 5
    dataset = prepared([6] * count, spec=ImageSpec(8, 8, 1), classes=tuple(map(str, range(count))))
    assert contact_sheet(dataset).height == GAP + MOST_CLASSES * (SIDE + GAP)
