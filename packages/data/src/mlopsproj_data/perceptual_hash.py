"""What an image looks like, in 32 bytes, and which images look the same.

The hash is the DCT hash of Zauner ("Implementation and Benchmarking of Perceptual Image Hash
Functions", 2010) with 16 x 16 frequencies, as in PDQ (Meta, 2019), in place of 8 x 8: 64 bits take
hundreds of thousands of pairs of small, centred product photos for copies. Colour is ignored.
Knows nothing of files, labels or splits.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np
import numpy.typing as npt
from mlopsproj_core.cpu import available_cpus
from mlopsproj_core.image import Pixels
from PIL import Image

HASH_BYTES: Final = 32

NEAR_DISTANCE: Final = 24
"""Two images with at most so many different bits, of 256, look the same.

Measured on 2,062 photos of hands (100 x 100, colour): different ones have more than 32 bits each
time; found were all copies of 300 that were saved as JPEG of quality 40 or more, made half or twice
as large, darker, brighter or grey, 97 % of those that lost 2 % of their width and height, and 26 %
of those that lost 4 %.

Of the 1.8e9 pairs of the 60,000 product photos of Fashion-MNIST (28 x 28, grey), 165 are so near,
and 834 with 32 bits; found were 99 % of the brighter and all darker copies, and of JPEG files
99.7 % of quality 90, 90 % of 70 and 49 % of 40, but none that was halved or cropped by a pixel.
"""

_FREQUENCIES = 16
_THUMBNAIL = 32
_FLAT_LEVELS = 1
_BLOCK_PAIRS = 1 << 18
"""Compared at once: what fits the cache, so that memory does not grow with the images."""
_BLOCKS_AHEAD = 16


def _cosines() -> npt.NDArray[np.float32]:
    """Rows 1 to 16 of the DCT-II: `(16, 32)`; row 0, the mean, says nothing of the content."""
    frequency = np.arange(1, _FREQUENCIES + 1)[:, None]
    place = np.arange(_THUMBNAIL) + 0.5
    return np.cos(np.pi / _THUMBNAIL * frequency * place).astype(np.float32)


_COSINES = _cosines()
_ACROSS = np.ascontiguousarray(_COSINES.T)


def perceptual_hash(pixels: Pixels) -> bytes:
    """Hash an image so that copies of it differ in few bits.

    Which of the 16 x 16 lowest frequencies of a 32 x 32 thumbnail do not lie below their median:
    128 of the 256 bits are set, whatever the brightness and contrast; more in an image of so few
    pixels that it lacks some frequencies, and those that are zero are the median.

    Args:
        pixels: `(height, width, 1 | 3)` uint8, resized and cropped.

    Returns:
        32 bytes, or none for an image of one shade, which looks like nothing.
    """
    return perceptual_hashes([pixels])[0]


def perceptual_hashes(images: Sequence[Pixels]) -> list[bytes]:
    """Hash several images at once, in a third of the time.

    Args:
        images: `(height, width, 1 | 3)` uint8 each.
    """
    if not images:
        return []
    thumbnails = np.stack([_thumbnail(pixels) for pixels in images])
    flat = np.ptp(thumbnails, axis=(1, 2)) <= _FLAT_LEVELS
    frequencies = (_COSINES @ thumbnails.astype(np.float32) @ _ACROSS).reshape(len(images), -1)
    half = frequencies.shape[1] // 2
    medians = np.partition(frequencies, half, axis=1)[:, half]
    bits = np.packbits(frequencies >= medians[:, None], axis=1)
    return [b"" if none else row.tobytes() for none, row in zip(flat, bits, strict=True)]


def _thumbnail(pixels: Pixels) -> Pixels:
    """`(32, 32)` grey."""
    grey = pixels[..., 0] if pixels.shape[2] == 1 else pixels
    # A whole multiple of the thumbnail is averaged first, and grey made last: half the time.
    thumbnail = Image.fromarray(grey).resize(
        (_THUMBNAIL, _THUMBNAIL), Image.Resampling.BOX, reducing_gap=1.0
    )
    values = np.frombuffer(thumbnail.convert("L").tobytes(), dtype=np.uint8)
    return values.reshape(_THUMBNAIL, _THUMBNAIL)


def near_pairs(
    hashes: Sequence[bytes | None], *, distance: int = NEAR_DISTANCE
) -> Iterator[npt.NDArray[np.int64]]:
    """Find all pairs of images that look the same, by comparing each with each.

    The time grows with the square of the number of images: about 4 ns a pair and core. The memory
    does not, even where all images look the same, as long as nobody collects the pairs.

    Args:
        hashes: as `perceptual_hash` makes them; none and empty ones are near to nothing.
        distance: bits in which a pair may differ, 0 to 256.

    Yields:
        `(pairs, 2)` places in `hashes`, the smaller one first, in ascending order; all pairs with
        the same smaller one at once.
    """
    places = np.array([i for i, item in enumerate(hashes) if item], dtype=np.int64)
    words = np.frombuffer(b"".join(item for item in hashes if item), dtype=np.uint64)
    # One row a word, so that a block of one word lies together.
    words = np.ascontiguousarray(words.reshape(-1, HASH_BYTES // 8).T)
    blocks = _blocks(places.size)
    threads = available_cpus()
    # numpy lets other threads work while it compares. A few blocks at a time, lest they pile up.
    with ThreadPoolExecutor(threads) as pool:
        for start in range(0, len(blocks), _BLOCKS_AHEAD * threads):
            ahead = blocks[start : start + _BLOCKS_AHEAD * threads]
            for pairs in pool.map(lambda rows: _near_in_block(words, rows, distance), ahead):
                if pairs.size:
                    yield np.take(places, pairs)


def _blocks(images: int) -> list[slice]:
    """Rows to compare at once with all later ones."""
    blocks, start = [], 0
    while start < images:
        stop = start + max(1, _BLOCK_PAIRS // (images - start))
        blocks.append(slice(start, stop))
        start = stop
    return blocks


def _near_in_block(
    words: npt.NDArray[np.uint64], rows: slice, distance: int
) -> npt.NDArray[np.int64]:
    """`(pairs, 2)`: one of these rows with a later one, of all words `(words, images)`."""
    # Half of the bits rule out almost every pair; the others are counted for what is left.
    known = words.shape[0] // 2
    bits: npt.NDArray[np.uint8] = np.bitwise_count(words[0, rows, None] ^ words[0, rows.start :])
    for word in words[1:known]:
        bits += np.bitwise_count(word[rows, None] ^ word[rows.start :])
    first, second = np.nonzero(bits <= distance)
    later = second > first
    first, second = first[later], second[later]
    counted = bits[first, second].astype(np.int64)
    first, second = first + rows.start, second + rows.start
    for word in words[known:]:
        counted += np.bitwise_count(word[first] ^ word[second])
    near = counted <= distance
    return np.stack([first[near], second[near]], axis=1)
