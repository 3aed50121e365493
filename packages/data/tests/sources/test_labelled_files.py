import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlopsproj_core.image import ImageSpec
from mlopsproj_data.records import SourceIssue
from mlopsproj_data.sources.labelled_files import (
    LabelledFile,
    file_source,
    in_order,
    suitable_spec,
)
from PIL import Image


@pytest.fixture
def make(tmp_path):
    """Labelled files of given splits, none of which need be there."""

    def make_(*splits):
        return [
            LabelledFile(tmp_path / f"{i}.png", f"{i}.png", 1, 1, "ab"[i % 2], split, None, f"{i}")
            for i, split in enumerate(splits)
        ]

    return make_


def source_of(files, issues=(), classes=("a", "b")):
    return file_source(files, name="n", classes=classes, description="d", issues=issues)


class TestSplits:
    def test_train_is_divided_where_there_is_no_test(self, make):
        source = source_of(make("train", "train", "validation", None))
        assert [record.split for record in source.records()] == [None, None, "validation", None]

    def test_train_is_kept_where_there_is_one(self, make):
        source = source_of(make("train", "validation", "test"))
        assert [record.split for record in source.records()] == ["train", "validation", "test"]


def test_records_are_read_anew_in_the_same_order(make):
    source = source_of(make(None, None, None))
    assert [r.origin for r in source.records()] == [r.origin for r in source.records()]
    assert [r.label for r in source.records()] == [0, 1, 0]
    assert source.count == 3


@pytest.mark.parametrize(
    "change",
    [
        {"name": "x"},
        {"size": 2},
        {"modified": 2},
        {"label": "b"},
        {"split": "test"},
        {"group": "g"},
    ],
)
def test_the_signature_changes_with_the_files(make, change):
    files = make(None, None)
    before = source_of(files).signature
    assert source_of(make(None, None)).signature == before
    assert source_of([replace(files[0], **change), files[1]]).signature != before


def test_the_signature_changes_with_the_issues(make):
    issue = SourceIssue("blank label", "t.csv row 2", "1.png")
    assert source_of(make(None), (issue,)).signature != source_of(make(None)).signature


class TestOrder:
    @given(numbers=st.lists(st.integers(-1000, 1000), unique=True))
    def test_of_numbers(self, numbers):
        assert in_order(map(str, numbers)) == tuple(map(str, sorted(numbers)))

    def test_of_names(self):
        names = ["b", "a10", "A2", "a1", "ä", "10", "9"]
        assert in_order(names) == ("9", "10", "a1", "A2", "a10", "b", "ä")

    @given(names=st.lists(st.text(), unique=True))
    def test_does_not_depend_on_the_order_before(self, names):
        shuffled = random.Random(0).sample(names, len(names))
        assert in_order(shuffled) == in_order(names)
        assert sorted(in_order(names)) == sorted(names)


class TestSpec:
    @pytest.mark.parametrize(
        ("sides", "side"),
        [
            *[([30, 41, 90], 40), ([9, 9], 28), ([8, 100], 28), ([28], 28), ([63], 60)],
            *[([64], 96), ([100], 96), ([150, 140], 128), ([500, 400, 300], 160)],
        ],
    )
    def test_is_the_median_of_the_shorter_sides(self, tmp_path, write_images, sides, side):
        names = {f"{i}.png": value for i, value in enumerate(sides)}
        write_images(tmp_path, names)
        assert suitable_spec([tmp_path / name for name in names]) == ImageSpec(side, side, 3)

    @pytest.mark.parametrize("mode", ["1", "L", "LA", "I;16"])
    def test_is_grey_if_all_are(self, tmp_path, write_images, mode):
        Image.new(mode, (40, 40)).save(tmp_path / "grey.png")
        write_images(tmp_path, {"colour.png": 40})
        assert suitable_spec([tmp_path / "grey.png"]).channels == 1
        assert suitable_spec([tmp_path / "grey.png", tmp_path / "colour.png"]).channels == 3

    def test_leaves_out_what_cannot_be_read(self, tmp_path, write_images):
        (tmp_path / "broken.png").write_bytes(b"x")
        write_images(tmp_path, {"whole.png": 40})
        paths = [tmp_path / name for name in ("broken.png", "gone.png", "whole.png")]
        assert suitable_spec(paths) == ImageSpec(40, 40, 3)
        assert suitable_spec(paths[:2]) == ImageSpec(160, 160, 3)
        assert suitable_spec([]) == ImageSpec(160, 160, 3)

    def test_looks_at_files_from_the_first_to_the_last(self, tmp_path, write_images):
        write_images(tmp_path, {"small.png": 30, "large.png": 60})
        small, large = tmp_path / "small.png", tmp_path / "large.png"
        assert suitable_spec([small] * 400 + [large] * 600).height == 60
        assert suitable_spec([small] * 600 + [large] * 400).height == 28

    @pytest.mark.filterwarnings("error")
    def test_a_huge_image_gives_no_warning(self, tmp_path, write_images):
        Image.new("1", (12_000, 10_000)).save(tmp_path / "huge.png")
        assert suitable_spec([tmp_path / "huge.png"]) == ImageSpec(160, 160, 1)
