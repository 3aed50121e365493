import hashlib

import pytest
from mlopsproj_core.errors import DataError
from mlopsproj_data.sources import downloads
from mlopsproj_data.sources.downloads import fetch, fetch_images, file_name, is_url, shown


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("http://a/b.png", True),
        ("HTTPS://a/b.png", True),
        ("gs://bucket/b.png", True),
        ("s3://bucket/b.png", True),
        ("file:///etc/passwd", False),
        ("http:///b.png", False),
        ("http://[broken", False),
        ("C:\\photos", False),
        ("photos/http://a", False),
        ("", False),
    ],
)
def test_what_is_an_address(text, address):
    assert is_url(text) is address


def test_a_password_is_not_shown():
    assert shown("https://me:secret@host:1/a?b=c") == "https://host:1/a?b=c"


def test_the_name_is_the_last_part():
    assert file_name("https://host/a/My%20photos.zip?token=x/y") == "My photos.zip"
    assert file_name("https://host") == ""


def test_images_are_fetched_once(web, tmp_path):
    names = [f"{i}.png" for i in range(40)]
    for name in names:
        (web.folder / name).write_bytes(name.encode())
    urls = [f"{web.url}/{name}" for name in names]
    found = fetch_images([*urls, urls[0]], tmp_path / "d")
    assert [found[url].read_bytes() for url in urls] == [name.encode() for name in names]
    assert sorted(web.asked) == sorted(f"/{name}" for name in names)
    assert fetch_images(urls, tmp_path / "d") == found
    assert len(web.asked) == len(names)
    digest = hashlib.sha256(urls[0].encode()).hexdigest()
    assert found[urls[0]] == tmp_path / "d" / digest[:2] / f"{digest}.png"


def test_only_what_is_lacking_is_fetched_again(web, tmp_path):
    for name in ("a.png", "b.png"):
        (web.folder / name).write_bytes(b"x")
    urls = [f"{web.url}/a.png", f"{web.url}/b.png"]
    found = fetch_images(urls, tmp_path / "d")
    found[urls[1]].unlink()
    fetch_images(urls, tmp_path / "d")
    assert sorted(web.asked) == ["/a.png", "/b.png", "/b.png"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("gone.png", "not found"),
        ("forbidden.png", "status 403 Forbidden"),
        ("endless.png", "larger than 4,000,000 bytes"),
        ("large.png", "larger than 4,000,000 bytes"),
        ("broken.png", ""),
        ("local.png", ""),
    ],
)
def test_what_fails_has_its_reason_and_leaves_nothing(web, tmp_path, name, reason):
    (web.folder / "large.png").write_bytes(b"x" * 5_000_000)
    (web.folder / "whole.png").write_bytes(b"x")
    urls = [f"{web.url}/{name}", f"{web.url}/whole.png"]
    found = fetch_images(urls, tmp_path / "d", max_bytes=4_000_000)
    assert isinstance(found[urls[0]], str)
    assert found[urls[0]]
    assert found[urls[0]].startswith(reason)
    assert found[urls[1]].read_bytes() == b"x"
    assert [path for path in (tmp_path / "d").rglob("*") if path.is_file()] == [found[urls[1]]]


@pytest.mark.parametrize("limit", ["_STALL_SECONDS", "_IMAGE_SECONDS"])
def test_a_server_that_says_nothing_is_not_waited_for(web, tmp_path, monkeypatch, limit):
    monkeypatch.setattr(downloads, limit, 0.2)
    assert set(fetch_images([f"{web.url}/silent.png"], tmp_path).values()) == {"no answer in time"}


def test_a_file_of_this_machine_is_never_fetched(tmp_path):
    (tmp_path / "secret.png").write_bytes(b"x")
    url = (tmp_path / "secret.png").as_uri()
    [reason] = fetch_images([url], tmp_path / "d").values()
    assert reason.startswith("none of abfs, ")
    assert not (tmp_path / "d").exists()


def test_nobody_there_is_told(tmp_path):
    with pytest.raises(
        DataError, match=r"http://127\.0\.0\.1:9/t\.csv cannot be downloaded \(.+\)"
    ):
        fetch("http://me:secret@127.0.0.1:9/t.csv", tmp_path)


def test_a_protocol_without_its_library_is_told(tmp_path):
    [reason] = fetch_images(["abfs://container/a.png"], tmp_path).values()
    assert "adlfs" in reason


def test_one_file_is_fetched_once(web, tmp_path):
    (web.folder / "t.csv").write_bytes(b"x")
    assert fetch(f"{web.url}/t.csv", tmp_path).read_bytes() == b"x"
    assert fetch(f"{web.url}/t.csv", tmp_path).suffix == ".csv"
    assert web.asked == ["/t.csv"]


@pytest.mark.parametrize("ending", ["", ".", ".tar.gz", "." + "x" * 50, ".p?ng", ".ü"])
def test_any_ending_gives_a_file(web, tmp_path, ending):
    (web.folder / "a").write_bytes(b"x")
    url = f"{web.url}/a?file=b{ending}"
    assert fetch(url, tmp_path).name == hashlib.sha256(url.encode()).hexdigest()


def test_a_full_disk_ends_it_all(web, tmp_path, full_disk):
    for number in range(30):
        (web.folder / f"{number}.png").write_bytes(bytes(200_000))
    urls = [f"{web.url}/{number}.png" for number in range(30)]
    with full_disk(), pytest.raises(DataError, match=r"written \(File too large\): free some"):
        fetch_images(urls, tmp_path / "d")
    assert not [path for path in (tmp_path / "d").rglob("*") if path.is_file()]
