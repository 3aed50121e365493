"""What is told of a prepared data set is what was put into it."""

import io

import numpy as np
import pytest
from mlopsproj_core.image import ImageSpec
from mlopsproj_data import prepare_source
from mlopsproj_data.facts import describe
from mlopsproj_data.records import Record
from mlopsproj_data.splits import SPLITS
from PIL import Image


def picture(value, *, size=(10, 8), form="PNG", mode="RGB"):
    """A picture of one shade, the same nowhere twice for different values."""
    image = Image.new("RGB", size, (value, 255 - value, 100)).convert(mode)
    buffer = io.BytesIO()
    image.save(buffer, form)
    return buffer.getvalue()


@pytest.fixture
def described(make_source, tmp_path):
    def describe_records(records, *, spec=None):
        source = make_source(records, spec=spec or ImageSpec(8, 8, 3))
        return describe(prepare_source(source, tmp_path, validation_fraction=0.1))

    return describe_records


@pytest.fixture
def records():
    """Twelve pictures in each split, of two classes; 36 different ones."""
    return [
        Record(picture(index), index % 2, SPLITS[index % 3], None, f"{index}.png")
        for index in range(36)
    ]


def test_images_are_counted_by_class_and_split(described, records):
    facts = described(records)
    assert facts["counts"] == dict.fromkeys(SPLITS, 12)
    assert facts["class_counts"] == {name: dict.fromkeys(SPLITS, 6) for name in ("even", "odd")}
    assert facts["image"] == [8, 8, 3]


def test_sizes_modes_and_formats_are_those_of_the_files(described, records):
    odd = picture(200, size=(40, 20), form="JPEG", mode="L")
    facts = described([*records, Record(odd, 0, "train", None, "odd.jpg")])
    assert list(facts["sizes"].items()) == [("10 x 8", 36), ("40 x 20", 1)]
    assert facts["modes"] == {"RGB": 36, "L": 1}
    assert facts["formats"] == {"PNG": 36, "JPEG": 1}
    assert facts["measured"]["width"] == {"least": 10, "median": 10, "most": 40}
    assert facts["measured"]["height"] == {"least": 8, "median": 8, "most": 20}
    assert 0 < facts["measured"]["brightness"]["median"] < 1


def test_channels_are_those_of_the_training_pixels(described, records):
    facts = described(records)
    values = np.array([index for index in range(36) if SPLITS[index % 3] == "train"]) / 255
    red = facts["channels"]["red"]
    assert red["mean"] == pytest.approx(values.mean(), abs=1e-4)
    assert red["deviation"] == pytest.approx(values.std(), abs=1e-4)
    assert facts["channels"]["green"]["mean"] == pytest.approx(1 - values.mean(), abs=1e-4)
    assert facts["channels"]["blue"] == {"mean": pytest.approx(100 / 255, abs=1e-4), "deviation": 0}


def test_one_channel_is_grey(described, make_records):
    records = make_records(60, splits=SPLITS)
    facts = described(records, spec=ImageSpec(8, 8, 1))
    pixels = np.stack([record.image for record in records if record.split == "train"]) / 255
    assert list(facts["channels"]) == ["grey"]
    assert facts["channels"]["grey"]["mean"] == pytest.approx(pixels.mean(), abs=1e-4)
    assert facts["channels"]["grey"]["deviation"] == pytest.approx(pixels.std(), abs=1e-4)
    assert facts["formats"] == {"array": 60}


def test_a_group_that_the_source_divides_is_counted(described, make_records):
    records = make_records(60, splits=SPLITS, groups=("a", "b", "c", None))
    facts = described(records, spec=ImageSpec(8, 8, 1))
    # Three splits and four groups in turn: each group stands in each split.
    assert facts["groups"] == {"count": 3, "divided": 3, "divided_images": 45}


def test_groups_that_stay_together(described, make_records):
    records = make_records(60, splits=SPLITS, groups=("a", "b", "c"))
    facts = described(records, spec=ImageSpec(8, 8, 1))
    assert facts["groups"] == {"count": 3, "divided": 0, "divided_images": 0}


def test_copies_are_left_out_and_found(described, records):
    copied = [*records, records[0], Record(records[2].image, 0, "train", None, "copy.png")]
    facts = described(copied)
    assert facts["dropped"]["duplicate"] == 1
    assert facts["dropped"]["duplicate of a test image"] == 1
    found = {each["check"]: each for each in facts["findings"]}
    assert found["duplicates"]["count"] == 1
    assert found["duplicates across splits"]["severity"] == "warning"
