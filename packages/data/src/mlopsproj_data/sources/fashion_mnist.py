"""Fashion-MNIST: the embedded sample, and the complete set from a folder or the network.

Xiao, Rasul & Vollgraf 2017 (arXiv:1708.07747); MIT licence, beside the sample.
"""

import gzip
import hashlib
import http.client
import io
import logging
import urllib.request
import zlib
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Final

import numpy as np
from mlopsproj_core.errors import DataError
from mlopsproj_core.image import ImageSpec, Pixels
from mlopsproj_core.local_files import put_in_place
from PIL import Image

from mlopsproj_data.drafts import draft_of
from mlopsproj_data.records import LabelledSource, Record
from mlopsproj_data.sources.idx import find_idx_files, idx_source

logger = logging.getLogger(__name__)

NAME: Final = "fashion-mnist"
CLASSES: Final = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
SIDE: Final = 28

SAMPLE_PER_CLASS: Final = {"train": 1200, "test": 200}
"""Images of each class in the embedded sample."""

MOSAIC_COLUMNS: Final = 100
"""Images in a row of a sample's mosaic; they stand in the order of their classes."""

DEBIAN_FOLDER: Final = Path("/usr/share/datasets/fashion-mnist")
"""Of the Debian package `dataset-fashion-mnist`."""

URL: Final = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"

SHA256: Final = {
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}
"""Of what is compressed in the official files: who compressed it again changed nothing."""

_TIMEOUT_SECONDS = 30.0

_ELSEWHERE = (
    "name a folder with the four IDX files by data.path=FOLDER"
    " (Debian: apt install dataset-fashion-mnist)"
)


def sample_source() -> LabelledSource:
    """The embedded sample: 12,000 training and 2,000 test images, drawn class by class."""
    folder = files("mlopsproj_data") / "sample"
    mosaics = {split: (folder / f"{split}.png").read_bytes() for split in SAMPLE_PER_CLASS}
    digest = hashlib.sha256(b"".join(mosaics.values())).hexdigest()
    count = sum(SAMPLE_PER_CLASS.values()) * len(CLASSES)
    return LabelledSource(
        name=NAME,
        classes=CLASSES,
        spec=ImageSpec(SIDE, SIDE, 1),
        count=count,
        signature=digest,
        records=lambda: _sample_records(mosaics),
        description=f"the embedded sample: {count:,} images in {len(CLASSES)} classes",
    )


def _sample_records(mosaics: dict[str, bytes]) -> Iterator[Record]:
    for split, data in mosaics.items():
        with Image.open(io.BytesIO(data)) as mosaic:
            images = from_mosaic(np.asarray(mosaic))
        for index, image in enumerate(images):
            label = index // SAMPLE_PER_CLASS[split]
            yield Record(image, label, split, None, f"sample/{split}.png#{index}")


def to_mosaic(images: Pixels) -> Pixels:
    """`(N, 28, 28)` as one picture, 100 images in a row; N is a multiple of 100."""
    rows = images.reshape(-1, MOSAIC_COLUMNS, SIDE, SIDE)
    return rows.transpose(0, 2, 1, 3).reshape(len(rows) * SIDE, MOSAIC_COLUMNS * SIDE)


def from_mosaic(mosaic: Pixels) -> Pixels:
    """The images of a mosaic, `(N, 28, 28)`."""
    rows = mosaic.reshape(-1, SIDE, MOSAIC_COLUMNS, SIDE)
    return np.ascontiguousarray(rows.transpose(0, 2, 1, 3)).reshape(-1, SIDE, SIDE)


def fashion_mnist_source(path: Path | None, cache: Path) -> LabelledSource:
    """The complete set: 60,000 training and 10,000 test images.

    Args:
        path: folder of its IDX files; Debian's, else a download, unless given.
        cache: where a download is kept.

    Raises:
        DataError: if the files cannot be used or fetched.
    """
    if path is None:
        path = DEBIAN_FOLDER if find_idx_files(DEBIAN_FOLDER) else download(cache)
    return idx_source(path, name=NAME, classes=CLASSES)


def download(cache: Path, url: str = URL) -> Path:
    """Fetch the official files that `cache` lacks, each checked before it takes its place.

    Raises:
        DataError: if they cannot be fetched, or are not the official ones.
    """
    folder = cache / NAME
    for content, expected in SHA256.items():
        name = f"{content}.gz"
        if not (folder / name).exists():
            logger.info("downloading %s", url + name)
            _fetch(url + name, folder / name, expected)
    return folder


def _fetch(url: str, target: Path, expected: str) -> None:
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310 (the address is ours)
            data: bytes = answer.read()
        found = hashlib.sha256(gzip.decompress(data)).hexdigest()
    except (OSError, EOFError, http.client.HTTPException, zlib.error) as error:
        raise DataError(
            f"{url} cannot be downloaded ({error}): check the network, or {_ELSEWHERE}."
        ) from error
    if found != expected:
        raise DataError(
            f"{url} is not the official file: the sha256 of its content is {found}, not {expected}:"
            f" {_ELSEWHERE}."
        )
    with draft_of(target) as draft:
        draft.write_bytes(data)
        put_in_place(draft, target)
