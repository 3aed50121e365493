"""Labelled images as nobody prepared them: odd formats, modes, names and layouts, and defects.

`photographs` gives images of the embedded sample, or of a folder of photographs, each saved in
another way; `with_warnings` and `with_errors` spoil some; each of `LAYOUTS` lays them out and gives
the path that a user would type. All of it is the same at every call.
"""

import csv
import io
import tarfile
import unicodedata
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import cycle
from pathlib import Path, PurePosixPath

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from mlopsproj_data.sources.fashion_mnist import CLASSES, sample_source
from PIL import Image

CLASS_NAMES = {"Trouser": "Hose weiß", "Bag": "SAC À MAIN", "Ankle boot": "長靴"}
"""Of the embedded sample, as somebody may call them who has never thought of file systems."""

SIZES = ((48, 64), (64, 48), (57, 57), (80, 61))
"""Width and height of the photographs, in pixels, in turn."""

_ORIENTATION = 0x0112


@dataclass(frozen=True)
class Photograph:
    """One image file and what its owner knows of it."""

    name: str
    data: bytes
    label: str
    split: str
    group: str


def sample_photographs(*, train: int = 40, test: int = 15) -> list[Photograph]:
    """So many of the embedded sample of each of three classes."""
    wanted = {"train": train, "test": test}
    taken = {(name, split): 0 for name in CLASS_NAMES for split in wanted}
    files = []
    ways = cycle(WAYS.items())
    for record in sample_source().records():
        key = CLASSES[record.label], record.split
        if taken.get(key, wanted[record.split]) >= wanted[record.split]:
            continue
        taken[key] += 1
        image = Image.fromarray(record.image).resize(SIZES[len(files) % len(SIZES)])
        tinted = Image.merge("RGB", [image, image.point(lambda v: v * 0.9), image])
        (ending, save) = next(ways)
        name = f"{_name(len(files))}.{ending.partition(' ')[0]}"
        label = CLASS_NAMES[key[0]]
        group = f"person {taken[key] // 3}"
        files.append(Photograph(name, save(tinted), label, key[1], f"{key[1]} {group}"))
    return files


def sign_photographs(folder: Path, *, students: int = 30) -> list[Photograph]:
    """Hands of so many students, a photograph of each digit, saved anew in many ways.

    Args:
        folder: the data set as it was published: a folder for each digit.
        students: the first of them; every third is for the test.
    """
    shots = {
        (int(path.stem.removeprefix("IMG_")) - int(digit.name), digit.name): path
        for digit in sorted(folder.iterdir())
        if digit.is_dir()
        for path in sorted(digit.iterdir())
    }
    chosen = sorted({student for student, _ in shots})[:students]
    ways = cycle(WAYS.items())
    files = []
    for (student, digit), path in sorted(shots.items()):
        if student not in chosen:
            continue
        (ending, save) = next(ways)
        with Image.open(path) as image:
            data = save(image.convert("RGB"))
        name = f"{_name(len(files))}.{ending.partition(' ')[0]}"
        split = "test" if chosen.index(student) % 3 == 0 else "train"
        files.append(Photograph(name, data, f"Ziffer {digit}", split, f"student {student}"))
    return files


def _name(number: int) -> str:
    """A file's name without its ending: Unicode in both normal forms, spaces, dots, upper case."""
    kinds = ("IMG_{:04}", "Ünïcödé {:04}", "写真-{:04}", "a.b.{:04}", "photo ({:04})")
    form = "NFD" if number % 2 else "NFC"
    return unicodedata.normalize(form, kinds[number % len(kinds)].format(number))


def _saved(image: Image.Image, kind: str, **settings: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **settings)
    return buffer.getvalue()


def _sideways(image: Image.Image) -> bytes:
    """As a camera saves that was held upright: turned, with a mark that says so."""
    exif = Image.Exif()
    exif[_ORIENTATION] = 6
    return _saved(image.transpose(Image.Transpose.ROTATE_90), "JPEG", exif=exif)


def _sixteen_bit(image: Image.Image) -> Image.Image:
    return Image.fromarray(np.asarray(image.convert("L"), np.uint16) * 257)


def _see_through(image: Image.Image) -> Image.Image:
    """With a transparent corner."""
    alpha = Image.new("L", image.size, 255)
    alpha.paste(0, (0, 0, image.width // 4, image.height // 4))
    image = image.copy()
    image.putalpha(alpha)
    return image


WAYS: dict[str, Callable[[Image.Image], bytes]] = {
    "jpg": lambda image: _saved(image, "JPEG"),
    "JPG turned": _sideways,
    "png": lambda image: _saved(image, "PNG"),
    "jpeg grey": lambda image: _saved(image.convert("L"), "JPEG"),
    "png palette": lambda image: _saved(image.quantize(32), "PNG"),
    "webp": lambda image: _saved(image, "WEBP", quality=90),
    "PNG transparent": lambda image: _saved(_see_through(image), "PNG"),
    "bmp": lambda image: _saved(image, "BMP"),
    "jpg cmyk": lambda image: _saved(image.convert("CMYK"), "JPEG"),
    "tif": lambda image: _saved(image, "TIFF", compression="tiff_lzw"),
    "png sixteen": lambda image: _saved(_sixteen_bit(image), "PNG"),
    "gif": lambda image: _saved(image, "GIF"),
    "png grey with alpha": lambda image: _saved(_see_through(image.convert("L")), "PNG"),
    "TIFF sixteen": lambda image: _saved(_sixteen_bit(image), "TIFF"),
    "png bits": lambda image: _saved(image.convert("1"), "PNG"),
    "Jpeg progressive": lambda image: _saved(image, "JPEG", progressive=True),
}
"""Every way in which a photograph may be saved: the file's ending, what is odd, and how."""


def with_warnings(files: Sequence[Photograph]) -> list[Photograph]:
    """With what training takes all the same, each once."""
    first, second, third = files[:3]
    test = next(file for file in files if file.split == "test")
    flat = Image.new("RGB", (50, 50), "teal")
    ribbon = Image.effect_noise((400, 9), 60)
    return [
        *files,
        replace(first, name=f"copy of {first.name}"),
        replace(test, name=f"copy of {test.name}", split="train"),
        replace(second, name="wrong ending.jpg", data=_saved(_noise(1), "PNG")),
        replace(third, name="flat.png", data=_saved(flat, "PNG")),
        replace(third, name="ribbon.png", data=_saved(ribbon, "PNG")),
    ]


def with_errors(files: Sequence[Photograph]) -> list[Photograph]:
    """With what training refuses, each once."""
    first, second = files[:2]
    other = next(file for file in files if file.label != second.label)
    whole = _saved(_noise(2), "JPEG")
    return [
        *files,
        replace(first, name="empty.jpg", data=b""),
        replace(first, name="truncated.jpg", data=whole[: len(whole) // 2]),
        replace(first, name="letter.png", data=b"Dear Sir or Madam"),
        replace(second, name=f"again {second.name}", label=other.label),
    ]


WARNINGS = frozenset(
    {"duplicates", "wrong extension", "constant image", "extreme aspect ratio", "mixed modes"}
)
"""Checks that must find what `with_warnings` adds, in every layout."""

UNREADABLE = frozenset({"zero bytes", "truncated", "unreadable"})
"""Checks of which each must find one file that `with_errors` adds."""

CONFLICTING = "same image under two labels"
"""The check that must find the pair that `with_errors` makes."""


def _noise(seed: int) -> Image.Image:
    values = np.random.default_rng(seed).integers(0, 256, (60, 60, 3), dtype=np.uint8)
    return Image.fromarray(values)


def class_folders(files: Sequence[Photograph], folder: Path) -> Path:
    """A folder for each class, some images deeper, and what computers leave behind."""
    for index, file in enumerate(files):
        deeper = "" if index % 4 else "from the old computer/2019"
        _write(folder / "photos" / file.label / deeper / file.name, file.data)
    _write(folder / "photos" / ".DS_Store", b"\0\0\0\1Bud1")
    _write(folder / "photos" / files[0].label / "Thumbs.db", b"\xd0\xcf\x11\xe0")
    _write(folder / "photos" / "read me.txt", b"Photos of my things.\n")
    return folder / "photos"


def split_folders(files: Sequence[Photograph], folder: Path) -> Path:
    """Class folders below `Training` and `TEST`."""
    spelt = {"train": "Training", "test": "TEST"}
    for file in files:
        _write(folder / "my data" / spelt[file.split] / file.label / file.name, file.data)
    return folder / "my data"


def zip_archive(files: Sequence[Photograph], folder: Path) -> Path:
    """Class folders in a zip, with what a Mac puts beside them."""
    path = folder / "photos (1).zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in files:
            place = PurePosixPath("photos", file.label, file.name)
            archive.writestr(str(place), file.data)
            hidden = PurePosixPath("__MACOSX", place.with_name(f"._{file.name}"))
            archive.writestr(str(hidden), b"\0\5\26\7")
    return path


def tar_archive(files: Sequence[Photograph], folder: Path) -> Path:
    """Split folders in a compressed tar."""
    path = folder / "Backup.TAR.GZ"
    tree = split_folders(files, folder / "unpacked")
    with tarfile.open(path, "w:gz") as archive:
        archive.add(tree, "home/me/data")
    return path


def csv_table(files: Sequence[Photograph], folder: Path) -> Path:
    """A table of paths, labels, splits and persons; the images lie below it."""
    path = folder / "Liste.csv"
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.writer(stream, delimiter=";")
        writer.writerow(["Filename", "Label", "Split", "Person"])
        writer.writerows(
            [place, file.label, file.split, file.group] for place, file in _pooled(files, folder)
        )
    return path


def parquet_table(files: Sequence[Photograph], folder: Path) -> Path:
    """The same as Parquet."""
    rows = [
        {"image_path": place, "class": file.label, "split": file.split}
        for place, file in _pooled(files, folder)
    ]
    path = folder / "index.parquet"
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def labels_file(files: Sequence[Photograph], folder: Path) -> Path:
    """One folder of images, and a file in it that says what they show."""
    root = folder / "pool"
    rows = [[file.name, file.label] for file in files]
    for file in files:
        _write(root / file.name, file.data)
    with (root / "labels.csv").open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([["filename", "label"], *rows])
    return root


def _pooled(files: Sequence[Photograph], folder: Path) -> Iterator[tuple[str, Photograph]]:
    """Each file written to a folder of them all, and its path for a table."""
    for file in files:
        place = PurePosixPath("Bilder", "alle", file.name)
        _write(folder / place, file.data)
        yield str(place), file


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


LAYOUTS: dict[str, Callable[[Sequence[Photograph], Path], Path]] = {
    "class folders": class_folders,
    "split folders": split_folders,
    "zip": zip_archive,
    "tar.gz": tar_archive,
    "csv": csv_table,
    "parquet": parquet_table,
    "labels file": labels_file,
}
"""From photographs and an empty folder to the path that a user would type."""
