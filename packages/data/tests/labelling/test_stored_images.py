import hashlib

import fsspec
import pytest
from mlopsproj_core.errors import DataError
from mlopsproj_data.labelling.stored_images import CHANGED, GONE, fetch_stored_images
from mlopsproj_records.images import ImageStore

IMAGES = [f"\x89PNG\r\n\x1a\n{number}".encode("latin-1") for number in range(5)]


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def keep_all(store: ImageStore) -> list[tuple[str, str]]:
    return [(sha256(data), store.keep(sha256(data), data)) for data in IMAGES]


@pytest.fixture(params=["folder", "memory"])
def store(request, tmp_path):
    """A folder of this machine, and a store that only fsspec knows."""
    url = str(tmp_path / "store") if request.param == "folder" else f"memory://{tmp_path.name}"
    yield ImageStore(url)
    fsspec.filesystem("memory").store.clear()


def test_images_come_as_they_were_kept(store, tmp_path):
    wanted = keep_all(store)
    found = fetch_stored_images(wanted, tmp_path / "here")
    assert [found[name].read_bytes() for name, _ in wanted] == IMAGES
    assert {path.suffix for path in found.values()} == {".png"}
    for _, url in wanted:
        store.delete(url)
    assert fetch_stored_images(wanted, tmp_path / "here") == found


def test_what_is_gone_or_changed_is_told_and_leaves_nothing(store, tmp_path):
    wanted = keep_all(store)
    store.delete(wanted[0][1])
    _, second = wanted[1]
    store.delete(second)
    with fsspec.open(second, "wb") as file:
        file.write(IMAGES[1][:4])
    found = fetch_stored_images(wanted, tmp_path / "here")
    assert found[wanted[0][0]] == GONE
    assert found[wanted[1][0]] == CHANGED
    kept = {path.name for path in (tmp_path / "here").rglob("*") if path.is_file()}
    assert kept == {f"{name}.png" for name, _ in wanted[2:]}


def test_what_was_fetched_and_changed_since_is_fetched_again(store, tmp_path):
    wanted = keep_all(store)
    before = fetch_stored_images(wanted, tmp_path / "here")
    before[wanted[0][0]].write_bytes(b"")
    before[wanted[1][0]].write_bytes(IMAGES[0])
    found = fetch_stored_images(wanted, tmp_path / "here")
    assert [found[name].read_bytes() for name, _ in wanted] == IMAGES


def test_a_store_that_was_moved_need_not_be_reached_at_its_old_place(tmp_path):
    wanted = keep_all(ImageStore(str(tmp_path / "now")))
    old = [(name, f"nowhere://bucket/{name[:2]}/{name}.png") for name, _ in wanted]
    now = str(tmp_path / "now")
    found = fetch_stored_images(old, tmp_path / "here", image_log_url=now)
    assert [found[name].read_bytes() for name, _ in wanted] == IMAGES
    # What is not there either may be where nobody can look: no reason to leave it out.
    lost = [("0" * 64, f"nowhere://bucket/00/{'0' * 64}.png")]
    with pytest.raises(DataError, match="image store nowhere://bucket"):
        fetch_stored_images(lost, tmp_path / "here", image_log_url=now)


def test_a_store_that_nobody_knows_is_an_error(tmp_path):
    with pytest.raises(DataError, match="image store nowhere://x"):
        fetch_stored_images([("0" * 64, "nowhere://x/00/0.png")], tmp_path)
