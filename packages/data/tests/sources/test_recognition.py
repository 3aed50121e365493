import re
import shutil
import tarfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlopsproj_core.errors import ConfigError, DataError
from mlopsproj_core.image import ImageSpec
from mlopsproj_core.manifest import Name
from mlopsproj_data.config import DataConfig, Source
from mlopsproj_data.sources import fashion_mnist
from mlopsproj_data.sources.idx import read_idx
from mlopsproj_data.sources.locations import name_of
from mlopsproj_data.sources.recognition import open_source
from pydantic import TypeAdapter

SAMPLE = fashion_mnist.sample_source().signature


@pytest.fixture
def opened(tmp_path):
    """Opens a path with settings; what is downloaded or unpacked lies in a folder of its own."""

    def open_(path, **settings):
        prepared = str(tmp_path / "prepared")
        return open_source(DataConfig(path=str(path), prepared_dir=prepared, **settings))

    return open_


def told(source):
    """(origin, class, split, group) of each record."""
    return [(r.origin, source.classes[r.label], r.split, r.group) for r in source.records()]


@pytest.mark.parametrize("source", [Source.sample, Source.auto])
def test_without_a_path_it_is_the_sample(source):
    assert open_source(DataConfig(source=source)).signature == SAMPLE


@pytest.mark.parametrize("source", [Source.sample, Source.auto, Source.idx])
@pytest.mark.parametrize("ending", ["", ".gz"])
def test_a_path_is_recognised_and_says_more_than_the_default(
    tmp_path, write_idx_folder, source, ending
):
    folder = write_idx_folder(tmp_path / "Herbst 2026 - Schuhe", ending=ending)
    opened = open_source(DataConfig(source=source, path=str(folder)))
    assert (opened.name, opened.count) == ("herbst-2026---schuhe", 250)


def test_a_folder_of_fashion_mnist_carries_its_classes(idx_folder):
    opened = open_source(DataConfig(source=Source.fashion_mnist, path=str(idx_folder)))
    assert (opened.name, opened.classes) == ("fashion-mnist", fashion_mnist.CLASSES)
    first = next(opened.records())
    assert np.array_equal(first.image, read_idx(idx_folder / "train-images-idx3-ubyte")[0])


def test_a_path_may_begin_at_home(idx_folder, monkeypatch):
    for variable in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(variable, str(idx_folder.parent))
    assert open_source(DataConfig(path="~/idx")).count == 250


def test_class_folders(tmp_path, write_images, opened):
    write_images(tmp_path / "My Pets", {"cat/1.png": 40, "cat/deep/2.JPG": 60, "dog/1.webp": 50})
    source = opened(tmp_path / "My Pets")
    assert (source.name, source.classes, source.count) == ("my-pets", ("cat", "dog"), 3)
    assert source.spec == ImageSpec(48, 48, 3)
    assert source.description == "class folders: 3 images in 2 classes"
    assert told(source) == [
        ("cat/1.png", "cat", None, None),
        ("cat/deep/2.JPG", "cat", None, None),
        ("dog/1.webp", "dog", None, None),
    ]


@pytest.mark.parametrize("pack", ["zip", "tar", "gztar", "bztar", "xztar"])
def test_an_archive_of_a_wrapped_folder_with_a_table(tmp_path, write_images, opened, pack):
    folder = tmp_path / "made" / "outer" / "inner"
    write_images(folder, {"images/1.png": 30, "images/2.png": 30})
    (folder / "labels.csv").write_text("file,label\nimages/1.png,cat\nimages/2.png,dog\n")
    archive = shutil.make_archive(str(tmp_path / "Pets 2"), pack, tmp_path / "made")
    source = opened(archive)
    assert (source.name, source.classes, source.count) == ("pets-2", ("cat", "dog"), 2)
    ending = archive.rpartition("Pets 2")[2]
    assert source.description == (
        f"Pets 2{ending}: table labels.csv (path: file, label: label): 2 images in 2 classes"
    )
    assert opened(archive).signature == source.signature


def test_an_archive_of_idx_files(tmp_path, idx_folder, opened):
    archive = shutil.make_archive(str(tmp_path / "digits"), "zip", idx_folder)
    assert (opened(archive).name, opened(archive).count) == ("digits", 250)


def test_a_table_that_is_named(tmp_path, write_images, opened):
    write_images(tmp_path, {"images/1.png": 30, "images/2.png": 30})
    (tmp_path / "birds.tsv").write_text("image\tspecies\nimages/1.png\towl\nimages/2.png\town\n")
    source = opened(tmp_path / "birds.tsv", label_column="species")
    assert (source.name, source.classes, source.count) == ("birds", ("owl", "own"), 2)


class TestLabels:
    """One folder, and a table beside or in it that `data.labels` names."""

    @pytest.fixture
    def photos(self, tmp_path, write_images):
        return write_images(tmp_path / "photos", {"1.png": 30, "2.png": 30})

    def test_elsewhere(self, tmp_path, photos, opened):
        (tmp_path / "names.csv").write_text("id,class\n1,a\n2.png,b\n")
        source = opened(photos, labels=str(tmp_path / "names.csv"))
        assert [row[:2] for row in told(source)] == [("1.png", "a"), ("2.png", "b")]
        assert source.name == "photos"

    def test_from_the_folder_on(self, photos, opened):
        (photos / "a.csv").write_text("file,class\n1.png,a\n2.png,b\n")
        (photos / "b.csv").write_text("file,class\n1.png,b\n2.png,c\n")
        with pytest.raises(
            DataError, match=r"several tables \(a\.csv, b\.csv\): name one by data\.lab"
        ):
            opened(photos)
        assert opened(photos, labels="b.csv").classes == ("b", "c")

    def test_whose_paths_begin_above_the_folder(self, tmp_path, photos, opened):
        (tmp_path / "names.csv").write_text("file,class\nphotos/1.png,a\nelsewhere/2.png,b\n")
        source = opened(photos, labels=str(tmp_path / "names.csv"))
        assert [row[:2] for row in told(source)] == [("1.png", "a")]
        assert [issue.check for issue in source.issues] == ["missing file"]

    def test_that_is_not_there(self, photos, opened):
        with pytest.raises(DataError, match=r"data\.labels=gone\.csv is no file, neither here nor"):
            opened(photos, labels="gone.csv")

    def test_beside_a_table(self, tmp_path, photos, opened):
        (tmp_path / "names.csv").write_text("file,class\n")
        with pytest.raises(ConfigError, match=r"is a table itself, and takes no data\.labels"):
            opened(tmp_path / "names.csv", labels="x.csv")

    def test_with_folders(self, photos, opened):
        with pytest.raises(ConfigError, match=r"data\.source=folders takes no data\.labels"):
            opened(photos, source=Source.folders, labels="x.csv")


class TestClassFoldersAndATable:
    @pytest.fixture
    def both(self, tmp_path, write_images):
        write_images(tmp_path / "both", {"cat/1.png": 30, "dog/1.png": 30})
        (tmp_path / "both" / "table.csv").write_text("file,label\ncat/1.png,x\ndog/1.png,y\n")
        return tmp_path / "both"

    def test_are_ambiguous(self, both, opened):
        with pytest.raises(
            DataError,
            match=r"2 class folders \(cat, dog\) and the table table\.csv: say .* by"
            r" data\.source=folders or data\.source=table",
        ):
            opened(both)

    @pytest.mark.parametrize(
        ("source", "classes"), [(Source.folders, ("cat", "dog")), (Source.table, ("x", "y"))]
    )
    def test_until_it_is_said(self, both, opened, source, classes):
        assert opened(both, source=source).classes == classes

    def test_a_table_of_something_else_is_left_out(self, both, opened):
        (both / "table.csv").write_text("temperature,pressure\n1,2\n")
        source = opened(both)
        assert source.description == "class folders: 2 images in 2 classes, 1 other file left out"

    def test_a_broken_table_is_left_out(self, both, opened):
        (both / "table.csv").rename(both / "table.parquet")
        (both / "table.parquet").write_bytes(b"PAR1 and no more")
        assert opened(both).classes == ("cat", "dog")
        with pytest.raises(DataError, match=r"table\.parquet cannot be read as a table"):
            opened(both, source=Source.table)

    def test_a_column_that_is_named_chooses_the_table(self, tmp_path, write_images, opened):
        write_images(tmp_path / "p", {"1.png": 30})
        (tmp_path / "p" / "a.csv").write_text("file,label\n1.png,x\n")
        (tmp_path / "p" / "b.csv").write_text("file,art\n1.png,y\n")
        assert opened(tmp_path / "p", label_column="art").classes == ("y",)

    def test_a_table_beside_one_folder_says_more(self, tmp_path, write_images, opened):
        write_images(tmp_path / "one", {"images/a/1.png": 30, "images/b/2.png": 30})
        (tmp_path / "one" / "t.csv").write_text("file,label\nimages/a/1.png,x\nimages/b/2.png,y\n")
        assert opened(tmp_path / "one").classes == ("x", "y")
        assert opened(tmp_path / "one", source=Source.folders).classes == ("a", "b")


class TestGroups:
    def test_by_pattern(self, tmp_path, write_images, opened):
        write_images(tmp_path / "p", {"a/p1_x.png": 30, "b/p1_y.png": 30, "b/p2_x.png": 30})
        source = opened(tmp_path / "p", group=r"/(p\d+)_")
        assert [row[3] for row in told(source)] == ["p1", "p1", "p2"]
        assert source.signature != opened(tmp_path / "p").signature

    def test_by_column(self, tmp_path, write_images, opened):
        write_images(tmp_path / "p", {"1.png": 30, "2.png": 30, "3.png": 30})
        (tmp_path / "p" / "t.csv").write_text("file,label,who\n1.png,a,x\n2.png,b,x\n3.png,b,\n")
        source = opened(tmp_path / "p", group="who")
        assert [row[3] for row in told(source)] == ["x", "x"]
        assert [(i.check, i.origin) for i in source.issues] == [("no group", "t.csv row 4")]

    def test_by_pattern_over_the_paths_of_a_table(self, tmp_path, write_images, opened):
        write_images(tmp_path / "p", {"x1.png": 30, "y2.png": 30})
        (tmp_path / "p" / "t.csv").write_text("file,label\nx1.png,a\ny2.png,b\n")
        assert [row[3] for row in told(opened(tmp_path / "p", group="^(.)"))] == ["x", "y"]

    def test_by_what_is_neither(self, tmp_path, write_images, opened):
        write_images(tmp_path / "p", {"x1.png": 30})
        (tmp_path / "p" / "t.csv").write_text("file,label\nx1.png,a\n")
        with pytest.raises(ConfigError, match=r"is no column of the table \(file, label\), and is"):
            opened(tmp_path / "p", group="patient")


@pytest.mark.parametrize("source", sorted(set(Source) - {Source.feedback}))
def test_a_missing_path_is_refused(tmp_path, opened, source):
    with pytest.raises(DataError, match=r"data\.path=.*gone does not exist: name a folder"):
        opened(tmp_path / "gone", source=source)


@pytest.mark.parametrize("path", ["x" * 5000, "a\0b", "~nobody-of-this-name/photos"])
def test_a_path_that_cannot_be_is_refused(opened, path):
    with pytest.raises(DataError, match=r"cannot be found \(.+\): name a folder|does not exist"):
        opened(path)
    with pytest.raises(
        DataError, match=r"is no file, neither here nor|does not exist|cannot be fo"
    ):
        opened(".", labels=path)


@pytest.mark.parametrize(
    "source", [one for one in Source if not one.startswith(("solar_cells", "feedback"))]
)
def test_a_file_of_something_else_is_refused(tmp_path, opened, source):
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=r"data\.path=.*file is not recognised: name a folder"):
        opened(tmp_path / "file", source=source)


def test_an_empty_folder_is_refused(tmp_path, opened):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"data\.path=.*empty holds no image: name a folder"):
        opened(tmp_path / "empty")


def test_an_empty_archive_is_refused(tmp_path, opened):
    with tarfile.open(tmp_path / "empty.tar", "w"):
        pass
    shutil.make_archive(str(tmp_path / "bare"), "zip", tmp_path, "empty.tar")
    with pytest.raises(DataError, match=r"bare\.zip holds no image"):
        opened(tmp_path / "bare.zip")


@pytest.mark.parametrize("folders", [("",), ("train/", "test/")])
def test_images_whose_classes_nothing_names_are_refused(tmp_path, write_images, opened, folders):
    write_images(tmp_path / "flat", {f"{folder}1.png": 30 for folder in folders})
    with pytest.raises(
        DataError, match=r"nothing names their classes: put .* by data\.labels=FILE"
    ):
        opened(tmp_path / "flat")


def test_a_folder_of_one_class_keeps_it(tmp_path, write_images, opened):
    # Refused when it is prepared: the folder is no wrapper of its only class.
    write_images(tmp_path / "one", {"cat/1.png": 30, "cat/deep/2.png": 30})
    assert opened(tmp_path / "one").classes == ("cat",)


def test_a_table_without_known_columns_is_told_how_to_name_them(tmp_path, write_images, opened):
    write_images(tmp_path / "p", {"1.png": 30})
    (tmp_path / "p" / "t.csv").write_text("bild,art\n1.png,a\n")
    with pytest.raises(
        DataError, match=r"known as the path; it has bild, art: name it by data\.pa"
    ):
        opened(tmp_path / "p")
    assert opened(tmp_path / "p", path_column="bild", label_column="art").count == 1


def test_a_table_is_missed(tmp_path, write_images, opened):
    write_images(tmp_path / "p", {"a/1.png": 30, "b/1.png": 30})
    with pytest.raises(DataError, match=r"holds no table: name it by data\.labels=FILE"):
        opened(tmp_path / "p", source=Source.table)


@pytest.mark.parametrize("source", [Source.idx, Source.folders, Source.fashion_mnist])
def test_a_table_is_not_another_source(tmp_path, opened, source):
    (tmp_path / "t.csv").write_text("file,label\n")
    with pytest.raises(ConfigError, match=rf"t\.csv is a table, which data\.source={source} does"):
        opened(tmp_path / "t.csv", source=source)


@pytest.mark.parametrize("source", [Source.idx, Source.folders, Source.table])
def test_some_sources_need_a_path(source):
    with pytest.raises(ConfigError, match=rf"data\.source={source} needs data\.path=PATH"):
        open_source(DataConfig(source=source))


def test_an_empty_path_is_not_the_present_folder():
    with pytest.raises(ConfigError, match=r"data\.path is empty"):
        open_source(DataConfig(path=""))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"group": "x"}, r"data\.source=sample takes no data\.group: leave it out"),
        ({"source": Source.solar_cells, "labels": "x"}, r"solar_cells takes no data\.labels"),
        ({"source": Source.solar_cells, "path": "."}, r"solar_cells takes no data\.path"),
        ({"source": Source.solar_cells_mono, "path": "."}, r"cells_mono takes no data\.path"),
    ],
)
def test_settings_of_no_effect_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        open_source(DataConfig(**settings))


def test_settings_of_tables_are_refused_for_folders(tmp_path, write_images, idx_folder, opened):
    write_images(tmp_path / "p", {"a/1.png": 30, "b/1.png": 30})
    with pytest.raises(ConfigError, match=r"class folders, and takes no data\.split_column"):
        opened(tmp_path / "p", split_column="x")
    with pytest.raises(ConfigError, match=r"holds IDX files, and takes no data\.group"):
        opened(idx_folder, group="x")


@given(name=st.text(st.characters(codec="utf-8", exclude_characters='/\\\0:*?"<>|'), min_size=1))
def test_every_folder_gives_a_name_that_a_registry_takes(name):
    TypeAdapter(Name).validate_python(name_of(name))
    assert re.fullmatch(r"[a-z0-9-]+", name_of(name))


def test_a_long_name_is_cut(tmp_path, write_idx_folder):
    opened = open_source(DataConfig(path=str(write_idx_folder(tmp_path / ("a" * 200)))))
    assert opened.name == "a" * 100


def test_a_folder_that_is_called_like_a_device_of_windows_gives_a_name_for_every_system():
    assert name_of("Aux") == "aux-data"
