"""Images that a client may send: usual ones, unusual ones that are good, and bad ones.

All of it is the same at every call. Knows nothing of what a service says of them.
"""

import io
import random
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image

_ORIENTATION = 0x0112
# Pixels of a bomb: far more than any limit, in a file of a few hundred kilobytes at most.
_HUGE = 20_000


@dataclass(frozen=True)
class Picture:
    """Bytes that are sent as an image.

    Attributes:
        kind: what it is, for a message.
        good: whether an answer is due; None where only a decoder can tell.
    """

    kind: str
    data: bytes
    good: bool | None


def photo(width: int, height: int, *, brightness: int = 128, seed: int = 0) -> Image.Image:
    """Something with the look of a photograph: waves, and a little noise."""
    noise = np.random.default_rng(seed).normal(0, 6, (height, width, 3))
    rows, columns = np.mgrid[0:height, 0:width]
    waves = 40 * np.sin(columns / 17 + seed)[..., None] + 30 * np.cos(rows / 11)[..., None]
    return Image.fromarray((brightness + waves + noise).clip(0, 255).astype(np.uint8))


def saved(image: Image.Image, kind: str, **settings) -> bytes:
    file = io.BytesIO()
    image.copy().save(file, kind, **settings)  # a copy: saving leaves settings behind in an image
    return file.getvalue()


def jpeg(width: int, height: int, *, brightness: int = 128, seed: int = 0) -> bytes:
    return saved(photo(width, height, brightness=brightness, seed=seed), "JPEG", quality=85)


def plain(grey: int, side: int = 40) -> bytes:
    """A PNG of one grey."""
    return saved(Image.new("L", (side, side), grey), "PNG")


def good_pictures() -> list[Picture]:
    """Of every kind that cameras, scanners and programs make."""
    small = photo(60, 44)
    grey = small.convert("L")
    deep = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)

    def several(kind: str, **settings) -> bytes:
        frames = [photo(60, 44, seed=n) for n in range(3)]
        return saved(small, kind, save_all=True, append_images=frames, **settings)

    found = {
        "jpeg": jpeg(60, 44),
        "jpeg, grey": saved(grey, "JPEG"),
        "jpeg, progressive": saved(small, "JPEG", progressive=True),
        "jpeg, CMYK (Adobe)": saved(small.convert("CMYK"), "JPEG"),
        "jpeg, without subsampling": saved(small, "JPEG", subsampling=0),
        "jpeg, restart intervals": saved(small, "JPEG", restart_marker_blocks=1),
        "jpeg, bytes behind its end": jpeg(60, 44) + b"\x00" * 100,
        "jpeg, several pictures (MPO)": several("MPO"),
        "png": saved(small, "PNG"),
        "png, palette": saved(small.convert("P"), "PNG"),
        "png, transparent palette": saved(small.convert("P"), "PNG", transparency=3),
        "png, one bit": saved(grey.convert("1"), "PNG"),
        "png, transparent": saved(small.convert("RGBA"), "PNG"),
        "png, 16 bits": saved(deep, "PNG"),
        "png, animated": several("PNG"),
        "gif": saved(small, "GIF"),
        "gif, animated": several("GIF", duration=40),
        "webp": saved(small, "WEBP"),
        "webp, lossless": saved(small.convert("RGBA"), "WEBP", lossless=True),
        "webp, animated": several("WEBP"),
        "bmp": saved(small, "BMP"),
        "tiff": saved(small, "TIFF"),
        "tiff, 16 bits": saved(deep, "TIFF"),
        "tiff, float": saved(grey.convert("F"), "TIFF"),
        "tiff, CMYK": saved(small.convert("CMYK"), "TIFF"),
        "tiff, several pages": several("TIFF"),
        "tiff, deflated": saved(small, "TIFF", compression="tiff_deflate"),
        "one pixel": saved(Image.new("RGB", (1, 1)), "PNG"),
        "one row": saved(photo(3000, 1), "PNG"),
        "one column": saved(photo(1, 3000), "PNG"),
    }
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[_ORIENTATION] = orientation
        found[f"jpeg, EXIF orientation {orientation}"] = saved(small, "JPEG", exif=exif)
    exif = Image.Exif()
    exif[_ORIENTATION] = 99
    found["jpeg, EXIF orientation that does not exist"] = saved(small, "JPEG", exif=exif)
    return [Picture(kind, data, good=True) for kind, data in found.items()]


def bad_pictures() -> list[Picture]:
    """Of every kind that is no image, or more than one may send."""
    no_images = {
        "empty": b"",
        "one byte": b"\xff",
        "spaces": b" " * 500,
        "text": b"The quick brown fox jumps over the lazy dog.\n" * 20,
        "html": b"<!doctype html><html><body><img src='x.jpg'></body></html>",
        "svg": b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'><path d='M0'/></svg>",
        "pdf": b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer\n<<>>\n%%EOF\n",
        "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 40 40\nshowpage\n",
        "zip": b"PK\x03\x04" + b"\x00" * 60,
        "json": b'{"image": "aGVsbG8="}',
        "pickle": b"\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00\x8c\x07builtins\x94.",
        "noise": random.Random(5).randbytes(3000),
        "only a JPEG's beginning": b"\xff\xd8\xff",
        "only a PNG's signature": b"\x89PNG\r\n\x1a\n",
        "only a GIF's signature": b"GIF89a",
        "only a WebP's header": b"RIFF\x24\x00\x00\x00WEBPVP8 ",
        "only a TIFF's header": b"II*\x00\x08\x00\x00\x00",
        "only a BMP's signature": b"BM",
        "png of no columns": _png(0, 10),
        "png of no rows": _png(10, 0),
        "gif of no size": b"GIF89a" + struct.pack("<HHBBB", 0, 0, 0, 0, 0) + b"\x3b",
        "jpeg of no size": _jpeg_that_claims(0, 0),
        "jpeg without pixels": _jpeg_that_claims(60, 44)[:200],
        "avif": saved(photo(40, 40), "AVIF"),
        "ico": saved(photo(40, 40), "ICO"),
        "jpeg 2000": saved(photo(40, 40), "JPEG2000"),
        "ppm": saved(photo(40, 40), "PPM"),
    }
    bombs = {
        "png bomb": _png(_HUGE, _HUGE, rows=True),
        "png bomb, one bit": _png(_HUGE, _HUGE, bits=1, rows=True),
        "png that claims the most": _png(2**31 - 1, 2**31 - 1),
        "png that is too wide": _png(70_000, 1),
        "png of a text that inflates": _png(60, 44, rows=True, text=80_000_000),
        "jpeg that claims the most": _jpeg_that_claims(65_535, 65_535),
        "gif that claims the most": _gif_that_claims(65_535, 65_535),
        "webp that claims the most": _webp_that_claims(16_384, 16_384),
        "bmp that claims the most": _bmp_that_claims(2**31 - 1, 2**31 - 1),
        "bmp that is as large as two limits": _bmp_that_claims(10_000, 10_000),
        "tiff that claims the most": _tiff_that_claims(2**31, 2**31),
        "tiff that is as large as two limits": _tiff_that_claims(10_000, 10_000),
        "tiff of one tile that is far larger": _tiff_of_a_tile(30_000),
        "jpeg of very many scans": _jpeg_of_scans(5000),
    }
    return [Picture(kind, data, good=False) for kind, data in (no_images | bombs).items()]


def mutations(count: int, seed: int) -> Iterator[Picture]:
    """Good pictures spoilt: cut at every kind of place, bytes changed, pieces moved or doubled.

    Args:
        count: of pictures.
        seed: of the choice.
    """
    random_ = random.Random(seed)
    originals = good_pictures()
    spoil = (_cut, _flipped, _flipped, _head_flipped, _piece_lost, _piece_doubled, _overwritten)
    for number in range(count):
        original = originals[number % len(originals)]
        how = spoil[(number // len(originals)) % len(spoil)]
        name = how.__name__.lstrip("_").replace("_", " ")
        yield Picture(f"{original.kind}: {name}", how(original.data, random_), good=None)


def _cut(data: bytes, random_: random.Random) -> bytes:
    return data[: random_.choice([random_.randrange(len(data)), random_.randrange(1, 64), -1, -2])]


def _flipped(data: bytes, random_: random.Random) -> bytes:
    spoilt = bytearray(data)
    for _ in range(random_.choice([1, 1, 3, 30])):
        spoilt[random_.randrange(len(spoilt))] ^= 1 << random_.randrange(8)
    return bytes(spoilt)


def _head_flipped(data: bytes, random_: random.Random) -> bytes:
    """Where the sizes and offsets stand."""
    spoilt = bytearray(data)
    for _ in range(random_.choice([1, 2, 4])):
        spoilt[random_.randrange(min(len(spoilt), 96))] = random_.choice([0, 1, 127, 128, 255])
    return bytes(spoilt)


def _piece_lost(data: bytes, random_: random.Random) -> bytes:
    at = random_.randrange(len(data))
    return data[:at] + data[at + random_.randrange(1, 200) :]


def _piece_doubled(data: bytes, random_: random.Random) -> bytes:
    at, size = random_.randrange(len(data)), random_.randrange(1, 200)
    return data[: at + size] + data[at:]


def _overwritten(data: bytes, random_: random.Random) -> bytes:
    at, size = random_.randrange(len(data)), random_.randrange(1, 64)
    return data[:at] + random_.randbytes(size) + data[at + size :]


def _png(
    width: int, height: int, *, bits: int = 8, rows: bool = False, text: int | None = None
) -> bytes:
    """A grey PNG; all rows, black, if they are wanted, else only a few bytes of them."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    pixels = _zeros((1 + (width * bits + 7) // 8) * height if rows else 64)
    texts = b"" if text is None else chunk(b"zTXt", b"Comment\x00\x00" + _zeros(text))
    header = struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + texts
        + chunk(b"IDAT", pixels)
        + chunk(b"IEND", b"")
    )


def _zeros(count: int) -> bytes:
    """So many zeros, deflated, without ever being all in memory."""
    squeeze = zlib.compressobj(1)
    piece = bytes(1 << 20)
    parts = [squeeze.compress(piece) for _ in range(count // len(piece))]
    return b"".join([*parts, squeeze.compress(bytes(count % len(piece))), squeeze.flush()])


def _jpeg_that_claims(width: int, height: int) -> bytes:
    data = bytearray(saved(photo(60, 44), "JPEG"))
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack(">HH", height, width)
    return bytes(data)


def _gif_that_claims(width: int, height: int) -> bytes:
    data = bytearray(saved(photo(60, 44), "GIF"))
    data[6:10] = struct.pack("<HH", width, height)
    return bytes(data)


def _webp_that_claims(width: int, height: int) -> bytes:
    """A canvas of `VP8X` without its pixels."""
    canvas = struct.pack("<I", 0x02)[:4] + struct.pack("<I", width - 1)[:3]
    canvas += struct.pack("<I", height - 1)[:3]
    chunk = b"VP8X" + struct.pack("<I", len(canvas)) + canvas
    inner = saved(photo(60, 44), "WEBP")[12:]
    return b"RIFF" + struct.pack("<I", 4 + len(chunk) + len(inner)) + b"WEBP" + chunk + inner


def _bmp_that_claims(width: int, height: int) -> bytes:
    data = bytearray(saved(photo(60, 44), "BMP"))
    data[18:26] = struct.pack("<ii", width, height)
    return bytes(data)


def _tiff_that_claims(width: int, height: int) -> bytes:
    """Deflated, so that a small file could hold it."""
    data = saved(photo(60, 44), "TIFF", compression="tiff_deflate")
    (directory,) = struct.unpack_from("<I", data, 4)
    (entries,) = struct.unpack_from("<H", data, directory)
    changed = bytearray(data)
    for number in range(entries):
        at = directory + 2 + 12 * number
        (tag,) = struct.unpack_from("<H", data, at)
        if tag in (256, 257):
            struct.pack_into("<HHII", changed, at, tag, 4, 1, width if tag == 256 else height)
    return bytes(changed)


def _tiff_of_a_tile(side: int) -> bytes:
    """A few pixels, in a tile of this side."""
    pixels = _zeros(64 * 64)
    long, short = 4, 3
    tags = [(256, long, 64), (257, long, 64), (258, short, 8), (259, short, 8), (262, short, 1)]
    tags += [(277, short, 1), (322, long, side), (323, long, side)]
    tags += [(324, long, 8), (325, long, len(pixels))]
    packed = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    head = b"II*\x00" + struct.pack("<I", 8 + len(pixels))
    return head + pixels + struct.pack("<H", len(tags)) + packed + bytes(4)


def _jpeg_of_scans(count: int) -> bytes:
    """A large image of one grey, gone through again and again."""
    data = saved(Image.new("L", (5000, 5000), 128), "JPEG", progressive=True)[:-2]
    return data + data[data.rindex(b"\xff\xda") :] * count + b"\xff\xd9"
