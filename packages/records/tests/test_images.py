import hashlib
from uuid import uuid4

import fsspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlopsproj_core.errors import RecordsError
from mlopsproj_records.images import ImageStore, is_chosen

JPEG = b"\xff\xd8\xff\xe0 and so on"
SHA = hashlib.sha256(JPEG).hexdigest()


@pytest.fixture(params=["folder", "strange-folder", "memory", "gs"])
def url(request, tmp_path):
    if request.param == "gs":
        return request.getfixturevalue("emulator").new_prefix()
    return {
        "folder": str(tmp_path / "images"),
        "strange-folder": str(tmp_path / "meine Bilder [1] für *"),
        "memory": f"memory://{uuid4().hex}",
    }[request.param]


def read(url):
    system, path = fsspec.core.url_to_fs(url)
    return system.cat_file(path)


def test_an_image_lies_where_its_url_says(url):
    store = ImageStore(url)
    kept = store.keep(SHA, JPEG)
    assert kept.endswith(f"/{SHA[:2]}/{SHA}.jpg")
    assert read(kept) == JPEG
    assert store.keep(SHA, JPEG) == kept


def test_an_image_is_deleted_once_or_was_not_there(url):
    store = ImageStore(url)
    kept = store.keep(SHA, JPEG)
    store.delete(kept)
    store.delete(kept)
    with pytest.raises(FileNotFoundError):
        read(kept)
    assert store.keep(SHA, JPEG) == kept
    assert read(kept) == JPEG


def test_images_elsewhere_are_not_touched_which_is_said_once(tmp_path, caplog):
    store, other = ImageStore(str(tmp_path / "a")), ImageStore(str(tmp_path / "ab"))
    kept = other.keep(SHA, JPEG)
    store.delete(kept)
    store.delete(kept)
    assert read(kept) == JPEG
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "the images are left" in caplog.text


def test_a_relative_folder_gives_urls_that_hold_everywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    kept = ImageStore("images/").keep(SHA, JPEG)
    monkeypatch.chdir("/")
    assert read(kept) == JPEG
    assert ImageStore(str(tmp_path / "images")).keep(SHA, JPEG) == kept


@pytest.mark.parametrize(
    ("start", "ending"),
    [
        (b"\xff\xd8\xff\xe0", "jpg"),
        (b"\x89PNG\r\n\x1a\n", "png"),
        (b"GIF89a", "gif"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "webp"),
        (b"RIFF\0\0\0\0WAVE", "bin"),
        (b"BM\0\0", "bmp"),
        (b"II*\0", "tif"),
        (b"MM\0*", "tif"),
        (b"", "bin"),
        (b"else", "bin"),
    ],
)
def test_the_ending_tells_the_format(tmp_path, start, ending):
    assert ImageStore(str(tmp_path)).keep("00" * 32, start).endswith(f".{ending}")


def test_a_store_that_is_away_says_so(tmp_path):
    (tmp_path / "file").write_text("no folder")
    store = ImageStore(str(tmp_path / "file"))
    with pytest.raises(RecordsError, match=r"The image store .*file cannot be written to"):
        store.keep(SHA, JPEG)
    with pytest.raises(RecordsError, match="nonsense"):
        ImageStore("nonsense://x")


@given(st.binary(), st.floats(0, 1), st.floats(0, 1))
def test_an_image_that_a_share_takes_a_larger_share_takes_too(data, one, other):
    sha = hashlib.sha256(data).hexdigest()
    assert is_chosen(sha, min(one, other)) <= is_chosen(sha, max(one, other))
    assert is_chosen(sha, 1.0)
    assert not is_chosen(sha, 0.0)


def test_the_share_is_about_what_it_says():
    hashes = [hashlib.sha256(b"%d" % number).hexdigest() for number in range(20_000)]
    assert sum(is_chosen(sha, 0.1) for sha in hashes) == pytest.approx(2000, abs=200)
