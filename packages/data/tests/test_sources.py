import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlopsproj_core.errors import ConfigError, DataError
from mlopsproj_core.manifest import Name
from mlopsproj_data import fashion_mnist
from mlopsproj_data.config import DataConfig, Source
from mlopsproj_data.idx import read_idx
from mlopsproj_data.sources import _name_of, open_source
from pydantic import TypeAdapter

SAMPLE = fashion_mnist.sample_source().signature


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


@pytest.mark.parametrize("source", list(Source))
def test_a_missing_folder_is_refused(tmp_path, source):
    with pytest.raises(DataError, match=r"data\.path=.*gone does not exist: name the folder"):
        open_source(DataConfig(source=source, path=str(tmp_path / "gone")))


@pytest.mark.parametrize("source", list(Source))
def test_a_file_in_place_of_a_folder_is_refused(tmp_path, source):
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=r"data\.path=.*file is no folder: name the folder"):
        open_source(DataConfig(source=source, path=str(tmp_path / "file")))


def test_an_empty_folder_is_not_recognised(tmp_path):
    with pytest.raises(DataError, match=r"data\.path=.* is not recognised: a folder of IDX files"):
        open_source(DataConfig(path=str(tmp_path)))


def test_idx_needs_a_path():
    with pytest.raises(ConfigError, match=r"data\.source=idx needs data\.path=FOLDER"):
        open_source(DataConfig(source=Source.idx))


def test_an_empty_path_is_not_the_present_folder():
    with pytest.raises(ConfigError, match=r"data\.path is empty"):
        open_source(DataConfig(path=""))


@given(name=st.text(st.characters(codec="utf-8", exclude_characters='/\\\0:*?"<>|'), min_size=1))
def test_every_folder_gives_a_name_that_a_registry_takes(name):
    TypeAdapter(Name).validate_python(_name_of(Path("/data") / name))
    assert re.fullmatch(r"[a-z0-9-]+", _name_of(Path("/data") / name))


def test_a_long_name_is_cut(tmp_path, write_idx_folder):
    opened = open_source(DataConfig(path=str(write_idx_folder(tmp_path / ("a" * 200)))))
    assert opened.name == "a" * 100
