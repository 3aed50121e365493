"""Bytes or an array to the pixels that a network is given: the only implementation there is.

Data is prepared with it and requests are prepared with it, so there is no training-serving skew:
bytes → EXIF-upright RGB or grey → resize (shorter side) → centre crop → uint8
`(height, width, channels)`. Image statistics are taken from the same pixels.
Knows nothing of labels, networks or files' names.
"""

import io
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from mlopsproj_core.decoding_cost import check_scans, tile_pixels
from mlopsproj_core.errors import ImageError
from mlopsproj_core.pixel_budget import PixelBudget

Pixels = npt.NDArray[np.uint8]

MAX_PIXELS = 50_000_000
"""Largest decoded size, in pixels: beyond it a small file could fill the memory."""

MAX_SOURCE_SIDE = 65_535
"""Longest side of a source, in pixels, as in JPEG: beyond it Pillow's crops lose precision."""

MIN_SIDE, MAX_SIDE = 8, 1024

# Each takes up to 20 bytes meanwhile: where there is transparency, five copies of four bytes.
_decoding = PixelBudget(MAX_PIXELS)

# No other: Pillow would also hand PostScript to an interpreter, for anyone who sends some.
_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF")

_SIXTEEN_BIT_MODES = frozenset({"I", "I;16", "I;16B", "I;16L", "I;16N"})
_GREY_MODES = frozenset({"1", "L", "LA", "La", "F"}) | _SIXTEEN_BIT_MODES
_ALPHA_MODES = frozenset({"RGBA", "LA", "PA", "RGBa", "La"})

_ORIENTATION = 0x0112
_TO_UPRIGHT: dict[object, Image.Transpose] = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True, slots=True)
class ImageSpec:
    """The pixels that a network is given.

    Attributes:
        height: rows, 8 to 1024.
        width: columns, 8 to 1024.
        channels: 1 (grey) or 3 (RGB).
    """

    height: int
    width: int
    channels: Literal[1, 3]

    def __post_init__(self) -> None:
        for name, side in (("height", self.height), ("width", self.width)):
            if not MIN_SIDE <= side <= MAX_SIDE:
                raise ImageError(
                    f"Image {name} {side} is not usable: give {MIN_SIDE} to {MAX_SIDE} pixels."
                )
        if self.channels not in (1, 3):
            raise ImageError(f"{self.channels} image channels are not usable: give 1 or 3.")

    @property
    def shape(self) -> tuple[int, int, int]:
        """`(height, width, channels)`."""
        return self.height, self.width, self.channels


@dataclass(frozen=True, slots=True)
class ImageStatistics:
    """What can be said of an image without a network.

    Luma is the grey of eight bits that Pillow's "L" gives: 0.299 red + 0.587 green + 0.114 blue
    (ITU-R BT.601), rounded.

    Attributes:
        width: of the upright source, in pixels.
        height: of the upright source, in pixels.
        mode: Pillow's mode of the source, e.g. "RGB", "L", "CMYK".
        brightness: mean luma, 0 to 1.
        contrast: standard deviation of luma, 0 to 0.5.
        sharpness: mean absolute difference of luma between neighbours, 0 to 1.
        saturation: mean of (max - min) / max over the colour channels, 0 to 1; 0 for grey.
    """

    width: int
    height: int
    mode: str
    brightness: float
    contrast: float
    sharpness: float
    saturation: float

    def as_dict(self) -> dict[str, int | float | str]:
        """One JSON-ready value per attribute."""
        return {name: getattr(self, name) for name in _STATISTICS}


_STATISTICS = tuple(field.name for field in fields(ImageStatistics))


@dataclass(frozen=True, slots=True)
class PreparedImage:
    """An image as a network is given it.

    Attributes:
        pixels: `(height, width, channels)` uint8.
        luma: `(height, width)` uint8, the same as grey, whatever the channels.
        statistics: of the resized and cropped image, before it is made grey.
        format: Pillow's name of the source's, e.g. "JPEG"; None for an array.
    """

    pixels: Pixels
    luma: Pixels
    statistics: ImageStatistics
    format: str | None


def prepare_image(
    source: bytes | Pixels, spec: ImageSpec, *, max_pixels: int = MAX_PIXELS
) -> PreparedImage:
    """Decode, turn upright, resize and crop one image.

    Args:
        source: an encoded image file (JPEG, PNG, WebP, BMP, TIFF or GIF, of which the first
            frame counts), or uint8 `(height, width)` or `(height, width, 1 | 3)`.
        spec: the pixels that are wanted.
        max_pixels: refuse images that have more.

    Raises:
        ImageError: if it is empty, unreadable, truncated, too large or of another shape.
    """
    (prepared,) = _finish([_open(source, spec, max_pixels)], spec)
    return prepared


def prepare_images(
    sources: Iterable[bytes | Pixels], spec: ImageSpec, *, max_pixels: int = MAX_PIXELS
) -> list[PreparedImage | ImageError]:
    """The same for several images, whose statistics then take half the time.

    Args:
        sources: as for `prepare_image`; a few at a time, since all are in memory at once.
        spec: the pixels that are wanted.
        max_pixels: refuse images that have more.

    Returns:
        For each source what `prepare_image` would return or raise.
    """
    opened: list[_Opened | ImageError] = []
    for source in sources:
        try:
            opened.append(_open(source, spec, max_pixels))
        except ImageError as error:
            opened.append(error)
    finished = iter(_finish([each for each in opened if isinstance(each, _Opened)], spec))
    return [each if isinstance(each, ImageError) else next(finished) for each in opened]


@dataclass(frozen=True, slots=True)
class _Opened:
    """An image of the wanted size, "L" or "RGB", and what its source was."""

    image: Image.Image
    width: int
    height: int
    mode: str
    format: str | None


def _open(source: bytes | Pixels, spec: ImageSpec, max_pixels: int) -> _Opened:
    format_ = None
    if isinstance(source, bytes):
        image, mode, format_ = _decode(source, max_pixels)
    elif isinstance(source, np.ndarray):
        image, mode = _from_array(source, max_pixels)
    else:
        raise ImageError(
            f"A {type(source).__name__} is no image: give the bytes of an image file, or an array."
        )
    return _Opened(_resize_and_crop(image, spec), image.width, image.height, mode, format_)


def _finish(opened: Sequence[_Opened], spec: ImageSpec) -> list[PreparedImage]:
    arrays = [_arrays(each.image, spec) for each in opened]
    # One image after the other, with nothing else in between: the code stays in the cache.
    return [
        PreparedImage(pixels, luma, _statistics(each, luma, colours), each.format)
        for each, (pixels, luma, colours) in zip(opened, arrays, strict=True)
    ]


def _arrays(image: Image.Image, spec: ImageSpec) -> tuple[Pixels, Pixels, Pixels | None]:
    """The pixels that are wanted, luma, and colours if there are any."""
    luma = _array(image if image.mode == "L" else image.convert("L"))
    colours = None if image.mode == "L" else _array(image)
    if spec.channels == 1:
        pixels = luma
    else:
        pixels = _array(image.convert("RGB")) if colours is None else colours
    return pixels.reshape(spec.shape), luma, colours


def _array(image: Image.Image) -> Pixels:
    """The same as `np.asarray`, without its detours; read-only."""
    values = np.frombuffer(image.tobytes(), dtype=np.uint8)
    return values.reshape(image.height, image.width, *((3,) if image.mode == "RGB" else ()))


def _decode(data: bytes, max_pixels: int) -> tuple[Image.Image, str, str | None]:
    if not data:
        raise ImageError("The image is empty (0 bytes).")
    try:
        image = Image.open(io.BytesIO(data), formats=_FORMATS)
        # A JPEG that holds several pictures ("MPO") is one for everybody else.
        mode, format_ = image.mode, "JPEG" if image.format == "MPO" else image.format
        _check_size(image.width, image.height, max_pixels)
        room = image.width * image.height
        if format_ == "JPEG":
            check_scans(data)
        elif format_ == "TIFF":
            tile = tile_pixels(data)
            if tile > MAX_PIXELS:
                raise ImageError(
                    f"The TIFF has tiles of {tile:,} pixels, more than {MAX_PIXELS:,}: save it"
                    " again."
                )
            room = max(room, tile)
        # A JPEG is decoded at its full size here: reduced decoding would change pixels with the
        # version of libjpeg, and the probe would refuse the bundle.
        with _decoding.room_for(room):
            image.load()
            return _eight_bit(_upright(image)), mode, format_
    except ImageError:
        raise
    except UnidentifiedImageError as error:
        raise ImageError(
            f"{len(data):,} bytes starting with {data[:8]!r} are no image that can be read:"
            " send JPEG, PNG, WebP, BMP, TIFF or GIF."
        ) from error
    except Image.DecompressionBombError as error:  # Pillow's own limit, before its size is known
        raise ImageError(
            f"The image has far more than the {max_pixels:,} pixels that are accepted: make it"
            " smaller."
        ) from error
    except MemoryError:
        raise
    except Exception as error:  # Pillow's decoders raise whatever they meet in a hostile file
        reason = str(error).rstrip(".") or type(error).__name__
        raise ImageError(
            f"The image cannot be decoded ({reason}): send it whole, and saved again."
        ) from error


def _from_array(array: Pixels, max_pixels: int) -> tuple[Image.Image, str]:
    grey = array.ndim == 2 or (array.ndim == 3 and array.shape[2] == 1)  # noqa: PLR2004 (axes)
    colour = array.ndim == 3 and array.shape[2] == 3  # noqa: PLR2004 (axes)
    if array.dtype != np.uint8 or not (grey or colour) or array.size == 0:
        raise ImageError(
            f"An array of {array.dtype} {array.shape} is no image: give uint8 (height, width) or"
            " (height, width, 1 or 3)."
        )
    _check_size(array.shape[1], array.shape[0], max_pixels)
    image = Image.fromarray(array.reshape(array.shape[:2]) if grey else array)
    return image, image.mode


def _check_size(width: int, height: int, max_pixels: int) -> None:
    if width * height > max_pixels or max(width, height) > MAX_SOURCE_SIDE:
        raise ImageError(
            f"The image has {width} x {height} pixels, more than the {max_pixels:,} in all, or"
            f" {MAX_SOURCE_SIDE:,} on a side, that are accepted: make it smaller."
        )


def _upright(image: Image.Image) -> Image.Image:
    try:
        orientation = image.getexif().get(_ORIENTATION)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 (broken metadata does not spoil the pixels)
        return image
    turn = _TO_UPRIGHT.get(orientation)
    return image if turn is None else image.transpose(turn)


def _eight_bit(image: Image.Image) -> Image.Image:
    """Grey ("L") or colour ("RGB"), eight bits; transparency is laid over white."""
    if image.mode in _SIXTEEN_BIT_MODES:
        values = np.asarray(image, dtype=np.int32).clip(0, 65535)
        return Image.fromarray(((values + 128) // 257).astype(np.uint8))
    if image.mode == "F":
        numbers = np.nan_to_num(np.asarray(image), nan=0).clip(0, 255)
        return Image.fromarray(numbers.round().astype(np.uint8))
    target = "L" if image.mode in _GREY_MODES else "RGB"
    if image.mode in _ALPHA_MODES or "transparency" in image.info:
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, "white")
        return Image.alpha_composite(white, rgba).convert(target)
    return image if image.mode == target else image.convert(target)


def _resize_and_crop(image: Image.Image, spec: ImageSpec) -> Image.Image:
    if image.size == (spec.width, spec.height):
        return image
    # The side that is kept whole is taken as it is, so that rounding never leaves the image.
    width, height = float(image.width), float(image.height)
    if image.width * spec.height > image.height * spec.width:
        width = image.height * spec.width / spec.height
    else:
        height = image.width * spec.height / spec.width
    left, top = (image.width - width) / 2, (image.height - height) / 2
    # One call crops and resizes: nothing outside the crop is computed.
    return image.resize(
        (spec.width, spec.height),
        Image.Resampling.BILINEAR,
        box=(left, top, left + width, top + height),
    )


def _statistics(opened: _Opened, luma: Pixels, colours: Pixels | None) -> ImageStatistics:
    """In whole numbers where it can be, so that machines agree."""
    count, total = luma.size, _sum(luma)
    # Row by row, the squares of 1,024 pixels fit 32 bits.
    squares = _sum(np.square(luma, dtype=np.uint16).sum(axis=1, dtype=np.uint32))
    return ImageStatistics(
        width=opened.width,
        height=opened.height,
        mode=opened.mode,
        brightness=total / count / 255,
        contrast=math.sqrt(count * squares - total * total) / count / 255,
        sharpness=(_step(luma[1:], luma[:-1]) + _step(luma[:, 1:], luma[:, :-1])) / 2 / 255,
        saturation=0.0 if colours is None else _saturation(colours),
    )


def _sum(values: npt.NDArray[np.unsignedinteger[Any]]) -> int:
    wide = np.uint32 if values.dtype == np.uint8 else np.uint64
    return int(values.sum(dtype=wide))


def _step(one: Pixels, other: Pixels) -> float:
    """Mean absolute difference, 0 to 255."""
    return _sum(np.maximum(one, other) - np.minimum(one, other)) / one.size


def _saturation(colours: Pixels) -> float:
    # Bands one by one: where their pixels lie side by side, many are compared at once.
    red, green, blue = np.ascontiguousarray(colours.reshape(-1, 3).T)
    high = np.maximum(np.maximum(red, green), blue)
    low = np.minimum(np.minimum(red, green), blue)
    return float(np.divide(high - low, np.maximum(high, 1), dtype=np.float32).mean())
