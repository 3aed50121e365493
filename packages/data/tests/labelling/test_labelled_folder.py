import csv
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlopsproj_data.labelling.confirmed import ConfirmedImage
from mlopsproj_data.labelling.labelled_folder import (
    COLUMNS,
    class_folder_names,
    write_labelled_folder,
)


def confirmed(name: str, label: str) -> ConfirmedImage:
    time = datetime(2026, 11, 1, tzinfo=UTC)
    return ConfirmedImage(name, label, f"id-{name}", "made", 3, "anna", time, f"gs://b/{name}.png")


@pytest.fixture
def images(tmp_path):
    rows = []
    for name, label in (("a", "T-shirt/top"), ("b", "T-shirt-top"), ("c", ".."), ("d", "x\ny")):
        path = tmp_path / f"{name}.png"
        path.write_text(name)
        rows.append((confirmed(name, label), path))
    return rows


def test_each_image_lies_in_its_class_and_the_table_says_who_told_it(images, tmp_path):
    left_out = [{"prediction_id": "id-e", "reason": "it is gone"}]
    folder = write_labelled_folder(images, left_out, name="made", parent=tmp_path / "out")
    with folder.table.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    assert [row["label"] for row in rows] == [image.label for image, _ in images]
    for row, (image, _) in zip(rows, images, strict=True):
        path = folder.path / row["path"]
        assert path.read_text() == image.sha256
        assert path.resolve().is_relative_to(folder.path / "images")
    assert len({row["path"].split("/")[1] for row in rows}) == 4
    assert rows[0]["time"] == "2026-11-01T00:00:00+00:00"
    assert json.loads((folder.path / "left_out.json").read_text()) == left_out
    assert [file.label for file in folder.files] == [image.label for image, _ in images]


def test_it_is_written_once_and_other_labels_make_another(images, tmp_path):
    first = write_labelled_folder(images, [], name="made", parent=tmp_path / "out")
    before = first.table.stat().st_mtime_ns
    again = write_labelled_folder(images, [], name="made", parent=tmp_path / "out")
    assert again == first
    assert again.table.stat().st_mtime_ns == before
    other = write_labelled_folder(images[1:], [], name="made", parent=tmp_path / "out")
    assert other.path != first.path


@given(st.lists(st.text(max_size=120), max_size=20))
def test_names_of_folders_are_safe_and_no_two_are_the_same(labels):
    names = class_folder_names(labels)
    assert set(names) == set(labels)
    folded = [name.casefold() for name in names.values()]
    assert len(set(folded)) == len(folded)
    for name in names.values():
        assert name not in {"", ".", ".."}
        assert not set(name) & set('/\\:*?"<>|\0\n')
        assert len(name.encode()) <= 255


@pytest.mark.parametrize("label", ["con", "AUX", "nul.txt", "Com1"])
def test_a_class_that_is_called_like_a_device_of_windows_has_a_folder_there_too(label):
    assert class_folder_names([label]) == {label: f"class {label}"}


def test_a_long_name_of_letters_of_four_bytes_is_written(images, tmp_path):
    image, path = images[0]
    labels = ["\U00020000" * 100, "\U00020000" * 101]
    many = [(replace(image, label=label), path) for label in labels]
    folder = write_labelled_folder(many, [], name="made", parent=tmp_path / "out")
    assert [file.label for file in folder.files] == labels


def test_what_somebody_does_to_the_folder_does_not_harm_the_source(images, tmp_path):
    write_labelled_folder(images, [], name="made", parent=tmp_path / "out")
    folder = write_labelled_folder(images, [], name="made", parent=tmp_path / "out")
    for path in (folder.path / "images").rglob("*.png"):
        path.unlink()
    again = write_labelled_folder(images, [], name="made", parent=tmp_path / "out")
    assert [file.path.read_text() for file in again.files] == ["a", "b", "c", "d"]


def test_of_two_processes_that_write_the_same_the_second_takes_what_the_first_wrote(
    images, tmp_path, monkeypatch
):
    parent = tmp_path / "out"
    rename = Path.replace

    def late(self, target):
        monkeypatch.setattr(Path, "replace", rename)
        write_labelled_folder(images, [], name="made", parent=parent)  # the other process
        return rename(self, target)

    monkeypatch.setattr(Path, "replace", late)
    folder = write_labelled_folder(images, [], name="made", parent=parent)
    assert len(list(folder.path.rglob("*.png"))) == len(images)
    assert [path.name for path in parent.iterdir()] == [folder.path.name]
