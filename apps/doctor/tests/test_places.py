import pytest
from mlopsproj_doctor.places import can_be_written, exists, local_folder, nearest_that_exists


@pytest.mark.parametrize(
    "url", ["gs://bucket/registry", "s3://bucket/x", "https://host/x", "memory://x"]
)
def test_what_lies_elsewhere_is_no_folder(url):
    assert local_folder(url) is None


@pytest.mark.parametrize(
    "url", ["registry", "./registry", "file://{here}/registry", "{here}/registry"]
)
def test_a_folder_however_it_is_written(folder, url):
    assert local_folder(url.format(here=folder)).absolute() == folder / "registry"


def test_what_does_not_exist_would_be_made_in_what_does(folder):
    assert nearest_that_exists(folder / "a" / "b") == folder
    (folder / "a").mkdir()
    assert nearest_that_exists(folder / "a" / "b") == folder / "a"
    assert can_be_written(folder / "a" / "b")


def test_a_name_that_no_system_takes_does_not_exist(folder):
    assert not exists(folder / ("x" * 5000))
    assert nearest_that_exists(folder / ("x" * 5000)) == folder


def test_a_folder_that_may_only_be_read_cannot_be_written(folder, as_nobody):
    folder.chmod(0o555)
    try:
        with as_nobody():
            assert not can_be_written(folder / "file")
    finally:
        folder.chmod(0o755)
    assert can_be_written(folder / "file")
