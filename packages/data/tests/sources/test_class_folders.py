import pytest
from mlopsproj_core.errors import DataError
from mlopsproj_data.sources.class_folders import class_folders
from mlopsproj_data.sources.image_files import list_images


@pytest.fixture
def read(tmp_path):
    """Puts empty files, and folders whose names end in /, and reads them as class folders."""

    def read_(*names):
        for name in names:
            path = tmp_path / name
            if name.endswith("/"):
                path.mkdir(parents=True, exist_ok=True)
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch()
        return class_folders(list_images(tmp_path))

    return read_


def told(found):
    return [(file.name, file.label, file.split) for file in found.files]


def test_an_image_belongs_to_the_folder_however_deep(read):
    found = read("cat/1.png", "cat/2020/may/2.png", "dog/3.png")
    assert told(found) == [
        ("cat/1.png", "cat", None),
        ("cat/2020/may/2.png", "cat", None),
        ("dog/3.png", "dog", None),
    ]


def test_splits_in_usual_spellings(read):
    found = read("Training/cat/1.png", "VAL/cat/2.png", "val/dog/4.png", "test_set/cat/deep/3.png")
    assert told(found) == [
        ("Training/cat/1.png", "cat", "train"),
        ("VAL/cat/2.png", "cat", "validation"),
        ("test_set/cat/deep/3.png", "cat", "test"),
        ("val/dog/4.png", "dog", "validation"),
    ]
    assert found.description == (
        "class folders under Training, VAL, test_set, val: 4 images in 2 classes"
    )


def test_a_split_may_still_be_empty(read):
    assert told(read("train/cat/1.png", "test/")) == [("train/cat/1.png", "cat", "train")]


def test_trains_may_be_a_class(read):
    found = read("train/1.png", "train/old/2.png", "bus/3.png")
    assert found.classes == ("bus", "train")
    assert {file.split for file in found.files} == {None}


def test_splits_beside_other_folders_are_refused(read):
    with pytest.raises(DataError, match=r"holds test, train, which are splits, beside extra: move"):
        read("train/cat/1.png", "test/cat/2.png", "extra/3.png")


@pytest.mark.parametrize("names", [(), ("1.png",), ("train/1.png", "test/2.png"), ("a/", "b/")])
def test_nothing_names_the_classes(read, names):
    assert read(*names) is None


def test_an_empty_folder_is_a_class(read):
    assert read("cat/1.png", "dog/", "eel/deep/").classes == ("cat", "dog", "eel")


def test_an_empty_folder_under_a_split_is_a_class(read):
    found = read("train/cat/1.png", "test/cat/1.png", "test/dog/", "train/notes/readme.txt")
    assert found.classes == ("cat", "dog")


def test_a_folder_of_other_files_is_none(read):
    found = read("cat/1.png", "dog/2.png", "docs/deep/readme.md", "labels.txt")
    assert found.classes == ("cat", "dog")
    assert found.description == "class folders: 2 images in 2 classes, 2 other files left out"


@pytest.mark.parametrize(
    "names",
    [("cat/1.png", "dog/1.png", "loose.png"), ("train/cat/1.png", "test/cat/1.png", "loose.png")],
)
def test_a_loose_image_is_told(read, names):
    [issue] = read(*names).issues
    assert (issue.check, issue.origin) == ("no class", "loose.png")


def test_an_image_right_under_a_split_is_told(read):
    [issue] = read("train/cat/1.png", "train/2.png", "test/cat/1.png").issues
    assert (issue.check, issue.origin) == ("no class", "train/2.png")


def test_classes_of_other_bytes_but_the_same_letters_are_one(read):
    found = read("train/caf\u00e9/1.png", "test/cafe\u0301/1.png")
    assert found.classes == ("caf\u00e9",)


def test_a_class_never_breaks_a_line(tmp_path, read):
    found = read("two\nlines/1.png", "b/1.png")
    assert found.classes == ("b", r"two\nlines")
    assert found.files[1].path.exists()


def test_numbers_are_in_the_order_of_their_values(read):
    assert read(*(f"{n}/1.png" for n in ("10", "9", "-1", "0.5"))).classes == (
        "-1",
        "0.5",
        "9",
        "10",
    )
