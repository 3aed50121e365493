"""The sample as a folder of image files holds the sample's images, whole or not at all."""

from dataclasses import replace

import numpy as np
import pytest
from mlopsproj_core.errors import ConfigError, DataError
from mlopsproj_data.sample_folder import FOLDERS, write_sample_folder
from mlopsproj_data.sources.fashion_mnist import CLASSES, SAMPLE_PER_CLASS, sample_source
from PIL import Image


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The folder, and what the progress was told."""
    told = []
    out = tmp_path_factory.mktemp("sample") / "made" / "photos"
    write_sample_folder(out, progress=lambda *step: told.append(step))
    return out, told


def test_every_image_lies_in_the_folder_of_its_class_and_split(written):
    out, _ = written
    for split, count in SAMPLE_PER_CLASS.items():
        assert {path.name for path in (out / split).iterdir()} == set(FOLDERS.values())
        for folder in (out / split).iterdir():
            assert len(list(folder.glob("*.png"))) == count
    assert sorted(path.name for path in out.iterdir()) == ["LICENSE", "test", "train"]
    assert [path.name for path in out.parent.iterdir()] == [out.name]


def test_the_files_hold_the_pixels_of_the_sample(written):
    out, _ = written
    places = {split: [0] * len(CLASSES) for split in SAMPLE_PER_CLASS}
    for place, record in enumerate(sample_source().records()):
        index = places[record.split][record.label]
        places[record.split][record.label] += 1
        if place % 101 == 0:
            folder = out / record.split / FOLDERS[CLASSES[record.label]]
            with Image.open(folder / f"{index:04}.png") as image:
                assert image.mode == "L"
                assert np.array_equal(np.asarray(image), record.image)


def test_a_folder_s_name_is_the_class_s_as_far_as_files_allow():
    assert FOLDERS["T-shirt/top"] == "T-shirt-top"
    assert FOLDERS["Ankle boot"] == "Ankle boot"
    assert len(set(FOLDERS.values())) == len(CLASSES)


def test_the_licence_stands_beside_the_images(written):
    out, _ = written
    assert "Zalando" in (out / "LICENSE").read_text(encoding="utf-8")


def test_progress_grows_to_the_end(written):
    _, told = written
    total = sum(SAMPLE_PER_CLASS.values()) * len(CLASSES)
    assert told[0] == (0, total)
    assert told[-1] == (total, total)
    assert told == sorted(told)
    assert len(told) > 10


@pytest.fixture
def short_sample(monkeypatch):
    """The first image of each split and class alone, which is quicker."""
    source = sample_source()
    first = [
        record
        for record in source.records()
        if int(record.origin.rpartition("#")[2]) % SAMPLE_PER_CLASS[record.split] == 0
    ]
    short = replace(source, records=lambda: iter(first))
    monkeypatch.setattr("mlopsproj_data.sample_folder.sample_source", lambda: short)


@pytest.mark.usefixtures("short_sample")
def test_an_empty_folder_is_filled(tmp_path):
    (tmp_path / "empty").mkdir()
    write_sample_folder(tmp_path / "empty")
    assert (tmp_path / "empty" / "train" / "Coat" / "0000.png").exists()


def test_a_folder_that_holds_something_is_refused_and_left_alone(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "mine.txt").write_text("mine")
    with pytest.raises(ConfigError, match="is not empty"):
        write_sample_folder(tmp_path / "photos")
    assert [path.name for path in tmp_path.rglob("*")] == ["photos", "mine.txt"]


def test_a_file_is_refused(tmp_path):
    (tmp_path / "photos").write_text("mine")
    with pytest.raises(ConfigError, match="is a file"):
        write_sample_folder(tmp_path / "photos")
    assert (tmp_path / "photos").read_text() == "mine"


def test_the_present_folder_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="is the present folder"):
        write_sample_folder(tmp_path)


def test_a_parent_that_is_a_file_is_told(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(DataError, match="another OUT"):
        write_sample_folder(tmp_path / "file" / "photos")


def test_an_interruption_leaves_nothing(tmp_path):
    def interrupt(done, total):
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_sample_folder(tmp_path / "photos", progress=interrupt)
    assert list(tmp_path.iterdir()) == []
