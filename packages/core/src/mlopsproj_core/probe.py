"""Synthetic images with the pixels and outputs expected of them, checked when a bundle is loaded.

A machine whose decoder or arithmetic gives something else (another libjpeg, saturating int8 on a
CPU without VNNI) is refused before it answers anybody. Knows nothing of onnxruntime.
"""

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from mlopsproj_core.errors import BundleCorruptError, ImageError, ProbeError
from mlopsproj_core.image import ImageSpec, Pixels, prepare_image
from mlopsproj_core.outputs import Floats, Outputs

EXPECTED = "expected.npz"

PIXEL_TOLERANCE = 2
"""Largest difference of a pixel, of 255: decoders of JPEG round differently by 1."""

PROBABILITY_TOLERANCE = 1e-3
"""Largest difference of a probability: float32 kernels of different CPUs stay below 1e-5, and a
saturated int8 kernel is far above."""

SCORE_TOLERANCE = 1e-2
"""Largest difference of an out-of-distribution score: of its value, or of 1 where that is less."""

_EXIF_ORIENTATION = 0x0112


def write_probe(folder: Path, spec: ImageSpec, run: Callable[[Pixels], Outputs]) -> None:
    """Write the probe's images, and what `run` gives for them on this machine.

    Args:
        folder: made if it is missing.
        spec: of the bundle.
        run: the graph, from `(N, height, width, channels)` uint8.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in _images(spec):
        (folder / name).write_bytes(data)
    names, pixels = _prepare(folder, spec)
    outputs = run(pixels)
    np.savez_compressed(
        folder / EXPECTED,
        names=np.array(names),
        pixels=pixels,
        probabilities=outputs.probabilities,
        ood_score=outputs.ood_score,
    )


def check_probe(folder: Path, spec: ImageSpec, run: Callable[[Pixels], Outputs]) -> None:
    """Hold this machine against what is expected.

    Decoding and arithmetic are held apart, so that the error names the one at fault.

    Raises:
        ProbeError: if pixels, probabilities or scores differ by more than their tolerance.
        BundleCorruptError: if the probe cannot be read.
    """
    expected = _read(folder / EXPECTED)
    names, pixels = _prepare(folder, spec)
    if expected.names != names or not _alike(expected.pixels, pixels):
        raise BundleCorruptError(
            f"The probe in {folder} expects other images than it holds, or another size: make"
            " the bundle again."
        )
    off = np.abs(pixels.astype(np.int16) - expected.pixels).max(axis=(1, 2, 3))
    if off.max() > PIXEL_TOLERANCE:
        raise ProbeError(
            f"This machine decodes {names[int(off.argmax())]} otherwise than the bundle expects"
            f" (a pixel differs by {off.max()} of 255, at most {PIXEL_TOLERANCE} is accepted):"
            " install the Pillow version that the manifest names."
        )
    found = run(expected.pixels)
    if not (
        _alike(expected.probabilities, found.probabilities)
        and _alike(expected.ood_score, found.ood_score)
    ):
        raise BundleCorruptError(
            f"The probe in {folder} expects outputs of another shape than the graph gives: make"
            " the bundle again."
        )
    scale = np.maximum(np.abs(expected.ood_score), 1)
    for what, differences, tolerance in (
        ("probability", found.probabilities - expected.probabilities, PROBABILITY_TOLERANCE),
        ("score", (found.ood_score - expected.ood_score) / scale, SCORE_TOLERANCE),
    ):
        worst = float(np.abs(differences).max())
        if not worst <= tolerance:  # also when it is not a number
            raise ProbeError(
                f"This machine computes otherwise than the bundle in {folder.parent} expects (a"
                f" {what} differs by {worst:.2g}, at most {tolerance:g} is accepted): serve a"
                " float32 version here, or use the CPU that it was made for."
            )


@dataclass(frozen=True, eq=False)
class _Expected:
    names: list[str]
    pixels: Pixels
    probabilities: Floats
    ood_score: Floats


def _read(path: Path) -> _Expected:
    try:
        with np.load(path, allow_pickle=False) as file:
            return _Expected(
                file["names"].tolist(), file["pixels"], file["probabilities"], file["ood_score"]
            )
    except Exception as error:  # zipfile, zlib and numpy raise whatever they meet
        raise BundleCorruptError(
            f"{path} cannot be read ({error or type(error).__name__}): fetch or make the bundle"
            " again."
        ) from error


def _alike(first: npt.NDArray[Any], second: npt.NDArray[Any]) -> bool:
    return first.shape == second.shape and first.dtype == second.dtype


def _prepare(folder: Path, spec: ImageSpec) -> tuple[list[str], Pixels]:
    files = sorted(path for path in folder.iterdir() if path.suffix in {".jpg", ".png"})
    if not files:
        raise BundleCorruptError(f"The probe in {folder} holds no image: make the bundle again.")
    pixels = []
    for path in files:
        try:
            pixels.append(prepare_image(path.read_bytes(), spec).pixels)
        except (OSError, ImageError) as error:
            raise BundleCorruptError(
                f"{path} cannot be used ({error}): fetch or make the bundle again."
            ) from error
    return [path.name for path in files], np.stack(pixels)


def _images(spec: ImageSpec) -> Iterator[tuple[str, bytes]]:
    """Six images that touch each step: modes, sizes, orientation, resizing and cropping."""
    height, width = spec.height, spec.width
    yield "colour-large.jpg", _encode(_scene(3 * height, 4 * width, 1), "JPEG")
    yield "colour-rotated.jpg", _encode(_scene(2 * height, 3 * width, 2), "JPEG", orientation=6)
    yield "colour-exact.png", _encode(_scene(height, width, 3), "PNG")
    yield "colour-small.png", _encode(_scene(height // 2 + 1, width // 2 + 3, 4), "PNG")
    yield "grey-exact.png", _encode(_scene(height, width, 5).convert("L"), "PNG")
    yield "grey-tall.jpg", _encode(_scene(4 * height, 2 * width, 6).convert("L"), "JPEG")


def _scene(height: int, width: int, seed: int) -> Image.Image:
    """Waves, a disc and a box: edges and slopes, as photographs have, in all three channels."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    frequency, phase = rng.uniform(2, 9, (2, 3)), rng.uniform(0, 6, 3)
    waves = np.sin(x[..., None] * frequency[0] + y[..., None] * frequency[1] + phase)
    scene = 127 + 90 * waves
    centre_y, centre_x = rng.uniform(0.3, 0.7, 2)
    scene[(y - centre_y) ** 2 + (x - centre_x) ** 2 < rng.uniform(0.02, 0.08)] = rng.uniform(
        0, 255, 3
    )
    scene[height // 5 : height // 3, width // 4 : width // 2] = rng.uniform(0, 255, 3)
    return Image.fromarray(scene.clip(0, 255).astype(np.uint8))


def _encode(image: Image.Image, format_: str, orientation: int | None = None) -> bytes:
    buffer = io.BytesIO()
    exif = Image.Exif()
    if orientation is not None:
        exif[_EXIF_ORIENTATION] = orientation
    image.save(buffer, format_, quality=92, exif=exif)
    return buffer.getvalue()
