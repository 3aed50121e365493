"""Small folders of IDX files, and sources that stand in memory."""

import gzip
import hashlib
import struct

import numpy as np
import pytest
from mlopsproj_core.image import ImageSpec
from mlopsproj_data.records import LabelledSource, Record, content_id

NAMES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}


def idx_bytes(array):
    array = np.asarray(array, dtype=np.uint8)
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    return header + array.tobytes()


def noise(count, *, seed=0, side=28):
    return np.random.default_rng(seed).integers(0, 256, (count, side, side), dtype=np.uint8)


@pytest.fixture(scope="session")
def write_idx():
    """Writes an array as an IDX file, gzipped if its name says so."""

    def write(path, array):
        data = idx_bytes(array)
        path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
        return path

    return write


@pytest.fixture(scope="session")
def write_idx_folder(write_idx):
    """Writes a folder of IDX files of random images, ten classes in turn."""

    def write(folder, *, train=200, test=50, ending="", side=28):
        folder.mkdir(parents=True, exist_ok=True)
        for seed, (split, count) in enumerate({"train": train, "test": test}.items()):
            if count:
                images, labels = NAMES[split]
                write_idx(folder / f"{images}{ending}", noise(count, seed=seed, side=side))
                write_idx(folder / f"{labels}{ending}", np.arange(count) % 10)
        return folder

    return write


@pytest.fixture
def idx_folder(tmp_path, write_idx_folder):
    return write_idx_folder(tmp_path / "idx")


@pytest.fixture(scope="session")
def make_source():
    """A source of given records."""

    def make(records, *, name="made", spec=None, classes=("even", "odd")):
        signature = hashlib.sha256()
        for record in records:
            row = (content_id(record.image), record.label, record.split, record.group)
            signature.update(repr(row).encode())
        return LabelledSource(
            name=name,
            classes=classes,
            spec=spec or ImageSpec(8, 8, 1),
            count=len(records),
            signature=signature.hexdigest(),
            records=lambda: iter(records),
        )

    return make


@pytest.fixture(scope="session")
def make_records():
    """Random grey images of 8 x 8 pixels; the label follows from the place in the list."""

    def make(count, *, seed=0, splits=(None,), groups=(None,)):
        return [
            Record(image, i % 2, splits[i % len(splits)], groups[i % len(groups)], f"{seed}#{i}")
            for i, image in enumerate(noise(count, seed=seed, side=8))
        ]

    return make
