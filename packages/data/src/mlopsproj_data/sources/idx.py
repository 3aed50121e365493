"""IDX files, the format of MNIST and its kin: a folder of them as a labelled source.

Format: http://yann.lecun.com/exdb/mnist/ (big-endian header: 0, 0, type, number of axes, sizes).
Knows nothing of which data set it reads.
"""

import gzip
import hashlib
import math
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from mlopsproj_core.errors import DataError
from mlopsproj_core.image import MAX_SIDE, MIN_SIDE, ImageSpec

from mlopsproj_data.records import LabelledSource, Record
from mlopsproj_data.sources.printing import plural

_UNSIGNED_BYTE: Final = 0x08
_LABEL_AXES: Final = 1
_IMAGE_AXES: Final = 3

SPLIT_FILES: Final = {"train": "train", "t10k": "test"}
"""Beginning of a file's name, and the split that it holds."""


def read_idx(path: Path) -> npt.NDArray[np.uint8]:
    """Read one IDX file of bytes, gzipped or not.

    Raises:
        DataError: if it cannot be read, is truncated, or holds something else.
    """
    try:
        data = path.read_bytes()
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be read ({error}): copy or download it again.") from error
    if len(data) < 4 or data[:2] != b"\0\0":  # noqa: PLR2004 (the header)
        raise DataError(
            f"{path} is no IDX file: it starts with {data[:4]!r}. Copy or download it again."
        )
    kind, axes = data[2], data[3]
    header = 4 + 4 * axes
    if kind != _UNSIGNED_BYTE or not 1 <= axes <= _IMAGE_AXES:
        raise DataError(
            f"{path} holds IDX type 0x{kind:02x} with {axes} axes: unsigned bytes (0x08) with 1 to"
            f" {_IMAGE_AXES} axes are expected."
        )
    if len(data) < header:
        raise DataError(
            f"{path} is truncated: its header has {len(data)} of {header} bytes: copy or download"
            " it again."
        )
    shape = struct.unpack(f">{axes}I", data[4:header])
    expected = math.prod(shape)
    if len(data) - header != expected:
        raise DataError(
            f"{path} is truncated or damaged: its header promises {expected:,} bytes for"
            f" {shape}, there are {len(data) - header:,}: copy or download it again."
        )
    return np.frombuffer(data, np.uint8, offset=header).reshape(shape)


def find_idx_files(folder: Path) -> dict[str, tuple[Path, Path]]:
    """Images and labels of each split in `folder`; empty where there are none.

    Raises:
        DataError: if there are images without their labels, or labels without images.
    """
    found = {}
    for beginning, split in SPLIT_FILES.items():
        images = _one_of(folder, f"{beginning}-images?idx3-ubyte")
        labels = _one_of(folder, f"{beginning}-labels?idx1-ubyte")
        if images and labels:
            found[split] = images, labels
        elif images or labels:
            lacking = "labels-idx1" if images else "images-idx3"
            raise DataError(
                f"{images or labels} stands alone: put {beginning}-{lacking}-ubyte (or .gz) beside"
                " it, or take it away."
            )
    return found


def _one_of(folder: Path, pattern: str) -> Path | None:
    return next((path for end in ("", ".gz") for path in sorted(folder.glob(pattern + end))), None)


def idx_source(
    folder: Path, *, name: str, classes: tuple[str, ...] | None = None
) -> LabelledSource:
    """A folder of IDX files with `train-` and, if there are, `t10k-` images and labels.

    Args:
        folder: where they lie.
        name: of the data set.
        classes: names; the labels' numbers unless given.

    Raises:
        DataError: if the folder or the files cannot be used.
    """
    if not folder.is_dir():
        raise DataError(f"data.path={folder} is no folder: name the one with the IDX files.")
    files = find_idx_files(folder)
    if "train" not in files:
        raise DataError(
            f"{folder} holds no train-images-idx3-ubyte and train-labels-idx1-ubyte (or .gz):"
            " name the folder with the IDX files."
        )
    splits = {split: _read_split(*pair) for split, pair in files.items()}
    highest = max(int(labels.max()) for _, labels in splits.values())
    classes = classes or tuple(str(label) for label in range(highest + 1))
    if highest >= len(classes):
        raise DataError(
            f"{folder} holds the label {highest}; only {len(classes)} classes are named."
        )
    count = sum(len(labels) for _, labels in splits.values())
    height, width = splits["train"][0].shape[1:]
    if not (MIN_SIDE <= height <= MAX_SIDE and MIN_SIDE <= width <= MAX_SIDE):
        raise DataError(
            f"{files['train'][0]} holds images of {height} x {width} pixels: {MIN_SIDE} to"
            f" {MAX_SIDE} on each side are expected."
        )
    return LabelledSource(
        name=name,
        classes=classes,
        spec=ImageSpec(height, width, 1),
        count=count,
        signature=_signature(files),
        records=lambda: _records(files, splits),
        description=f"IDX files: {count:,} images in {plural(len(classes), 'class', 'classes')}",
    )


def _read_split(
    images_path: Path, labels_path: Path
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    images, labels = read_idx(images_path), read_idx(labels_path)
    if images.ndim != _IMAGE_AXES or labels.ndim != _LABEL_AXES or len(images) != len(labels):
        raise DataError(
            f"{images_path} has shape {images.shape} and {labels_path} {labels.shape}: as many"
            " labels as images are expected."
        )
    if not len(labels):
        raise DataError(f"{images_path} holds no image: copy or download it again.")
    return images, labels


def _records(
    files: dict[str, tuple[Path, Path]],
    splits: dict[str, tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]],
) -> Iterator[Record]:
    for split, (images, labels) in splits.items():
        given = "test" if split == "test" else ("train" if "test" in splits else None)
        for index, (image, label) in enumerate(zip(images, labels, strict=True)):
            yield Record(image, int(label), given, None, f"{files[split][0].name}#{index}")


def _signature(files: dict[str, tuple[Path, Path]]) -> str:
    """Of the files' contents: a touched file is no new data set."""
    digest = hashlib.sha256()
    for split, pair in sorted(files.items()):
        for path in pair:
            digest.update(f"{split} {path.name} ".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()
