import gzip
import hashlib
import http.server
import socket
import threading
from collections import Counter
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from mlopsproj_core.errors import DataError
from mlopsproj_data.config import DataConfig, Source
from mlopsproj_data.preparation import prepare
from mlopsproj_data.records import content_id
from mlopsproj_data.sources import fashion_mnist
from mlopsproj_data.sources.fashion_mnist import (
    CLASSES,
    DEBIAN_FOLDER,
    SHA256,
    download,
    fashion_mnist_source,
    from_mosaic,
    sample_source,
    to_mosaic,
)

SAMPLE = Path(fashion_mnist.__file__).parents[1] / "sample"

needs_debian = pytest.mark.skipif(
    not DEBIAN_FOLDER.is_dir(),
    reason=f"{DEBIAN_FOLDER} is absent: apt-get install dataset-fashion-mnist",
)


@pytest.fixture(scope="module")
def sample():
    return list(sample_source().records())


def test_the_sample_is_balanced(sample):
    found = Counter((record.split, record.label) for record in sample)
    assert found == {
        (split, label): count
        for split, count in (("train", 1200), ("test", 200))
        for label in range(len(CLASSES))
    }
    assert sample_source().count == len(sample) == 14_000


def test_no_image_of_the_sample_stands_twice(sample):
    assert len({content_id(record.image) for record in sample}) == len(sample)


def test_the_sample_is_small_and_carries_its_licence():
    assert sum(file.stat().st_size for file in SAMPLE.iterdir()) <= 6_000_000
    text = (SAMPLE / "LICENSE").read_text()
    assert "The MIT License" in text
    assert "Zalando SE" in text


def test_the_sample_s_images_are_28_pixels_wide(sample):
    assert {(record.image.shape, record.image.dtype.name) for record in sample} == {
        ((28, 28), "uint8")
    }


@pytest.mark.parametrize("count", [100, 300])
def test_a_mosaic_gives_back_its_images(count):
    images = np.random.default_rng(count).integers(0, 256, (count, 28, 28), dtype=np.uint8)
    mosaic = to_mosaic(images)
    assert mosaic.shape == (len(images) // 100 * 28, 2800)
    assert np.array_equal(mosaic[:28, 56:84], images[2])
    assert np.array_equal(from_mosaic(mosaic), images)


@needs_debian
def test_the_pins_are_those_of_the_official_files():
    found = {
        name: hashlib.sha256(gzip.decompress((DEBIAN_FOLDER / f"{name}.gz").read_bytes()))
        for name in SHA256
    }
    assert {name: digest.hexdigest() for name, digest in found.items()} == SHA256


@needs_debian
def test_the_folder_of_debian_is_found_without_a_path(tmp_path):
    source = fashion_mnist_source(None, tmp_path / "cache")
    assert (source.count, source.classes) == (70_000, CLASSES)
    counts = Counter((record.split, record.label) for record in source.records())
    assert set(counts.values()) == {6000, 1000}
    assert not (tmp_path / "cache").exists()


@pytest.fixture
def official(tmp_path, write_idx_folder, monkeypatch):
    """Files that are pinned as if they were the official ones, by name."""
    folder = write_idx_folder(tmp_path / "official", ending=".gz")
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    pins = {
        name: hashlib.sha256(gzip.decompress(files[f"{name}.gz"])).hexdigest() for name in SHA256
    }
    monkeypatch.setattr(fashion_mnist, "SHA256", pins)
    return files


class Mirror(http.server.BaseHTTPRequestHandler):
    """Serves `files`; an entry of `lengths` promises another length than there is."""

    def do_GET(self):
        name = self.path.removeprefix("/")
        self.server.asked.append(name)
        if name not in self.server.files:
            self.send_error(404)
            return
        data = self.server.files[name]
        self.send_response(200)
        self.send_header("Content-Length", str(self.server.lengths.get(name, len(data))))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def mirror(official):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Mirror) as server:
        server.files, server.lengths, server.asked = dict(official), {}, []
        server.url = f"http://127.0.0.1:{server.server_port}/"
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


IMAGES = "t10k-images-idx3-ubyte.gz"


def test_downloads_the_official_files_once(tmp_path, official, mirror):
    folder = download(tmp_path / "cache", mirror.url)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == official
    assert sorted(mirror.asked) == sorted(official)
    assert download(tmp_path / "cache", mirror.url) == folder
    assert len(mirror.asked) == len(official)


def wrong(mirror):
    mirror.files[IMAGES] = gzip.compress(b"another file")


def no_gzip(mirror):
    mirror.files[IMAGES] = b"<html>a login page</html>"


def truncated(mirror):
    mirror.lengths[IMAGES] = len(mirror.files[IMAGES])
    mirror.files[IMAGES] = mirror.files[IMAGES][:1000]


def cut_at_the_origin(mirror):
    mirror.files[IMAGES] = mirror.files[IMAGES][:1000]


def changed_inside(mirror):
    data = bytearray(mirror.files[IMAGES])
    data[len(data) // 2] ^= 0xFF
    mirror.files[IMAGES] = bytes(data)


def missing(mirror):
    del mirror.files[IMAGES]


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (wrong, "is not the official file: the sha256 of its content is [0-9a-f]{64}, not"),
        (no_gzip, "cannot be downloaded .*gzip"),
        (truncated, "cannot be downloaded .*1000 bytes read"),
        (cut_at_the_origin, "cannot be downloaded .*ended before"),
        (changed_inside, "cannot be downloaded|is not the official file"),
        (missing, "cannot be downloaded .*404"),
    ],
)
def test_what_is_wrong_is_not_kept_and_what_is_right_stays(
    tmp_path, official, mirror, harm, message
):
    harm(mirror)
    with pytest.raises(DataError, match=message) as caught:
        download(tmp_path / "cache", mirror.url)
    assert str(caught.value).startswith(mirror.url + IMAGES)
    assert "data.path=FOLDER" in str(caught.value)
    kept = {path.name: path.read_bytes() for path in (tmp_path / "cache").rglob("*.gz")}
    assert kept == {name: data for name, data in official.items() if name.startswith("train")}
    assert not list((tmp_path / "cache").rglob(".*"))

    mirror.files, mirror.lengths, mirror.asked = dict(official), {}, []
    download(tmp_path / "cache", mirror.url)
    assert sorted(mirror.asked) == [name for name in sorted(official) if name.startswith("t10k")]


def test_without_a_network_the_way_out_is_named(tmp_path):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/"
        with pytest.raises(DataError, match=r"cannot be downloaded .*refused.*data\.path=FOLDER"):
            download(tmp_path, url)


def test_a_cache_that_cannot_be_written_is_named(tmp_path, mirror):
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(DataError, match=r"cache.* cannot be written .*data\.prepared_dir=FOLDER"):
        download(tmp_path / "cache", mirror.url)


def test_without_path_and_debian_it_is_downloaded_and_prepared(tmp_path, mirror, monkeypatch):
    monkeypatch.setattr(fashion_mnist, "DEBIAN_FOLDER", tmp_path / "absent")
    monkeypatch.setattr(fashion_mnist, "download", partial(download, url=mirror.url))
    config = DataConfig(source=Source.fashion_mnist, prepared_dir=str(tmp_path / "prepared"))
    dataset = prepare(config)
    assert (dataset.name, sum(dataset.counts.values())) == ("fashion-mnist", 250)
    asked = len(mirror.asked)
    assert prepare(config) == dataset
    assert len(mirror.asked) == asked == 4
