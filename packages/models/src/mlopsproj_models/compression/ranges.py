"""The range of every activation of a graph, seen on training images, for int8 to spend well.

Knows nothing of weights, and not what is quantised.
"""

import contextlib
import io
import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from mlopsproj_core.errors import CompressionError
from mlopsproj_core.image import Pixels
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    create_calibrator,
    save_tensors_data,
)

from mlopsproj_models.config import Calibration

_PIXELS_AT_ONCE = 2**19
"""Of the images of a step, all of whose activations are held at once."""


METHODS: Final = {
    Calibration.minmax: CalibrationMethod.MinMax,
    Calibration.entropy: CalibrationMethod.Entropy,
    Calibration.percentile: CalibrationMethod.Percentile,
}
"""What onnxruntime calls them."""

_OPTIONS: Final[dict[Calibration, dict[str, Any]]] = {
    Calibration.minmax: {"symmetric": False},
    # With onnxruntime's own 128 bins nothing is ever cut off.
    Calibration.entropy: {"symmetric": False, "num_bins": 512},
    Calibration.percentile: {"symmetric": False, "percentile": 99.99},
}


def find_ranges(source: Path, images: Pixels, method: Calibration, target: Path) -> None:
    """Write the ranges of a graph's activations, as onnxruntime's quantiser reads them.

    Args:
        source: float ONNX file.
        images: `(N, H, W, C)` uint8 training images, N at least 1.
        method: of choosing ranges.
        target: JSON file that is written.

    Raises:
        CompressionError: if there is no image.
    """
    if not len(images):
        raise CompressionError(
            "There is no image to calibrate on: give calibration.images=1 or more, such as 512."
        )
    with tempfile.TemporaryDirectory() as scratch, quietly():
        calibrator = create_calibrator(
            source,
            augmented_model_path=str(Path(scratch) / "augmented.onnx"),
            calibrate_method=METHODS[method],
            extra_options=_OPTIONS[method],
        )
        size = max(1, _PIXELS_AT_ONCE // (images.shape[1] * images.shape[2]))
        for start in range(0, len(images), size):
            calibrator.collect_data(_Piece(images[start : start + size]))
        draft = Path(scratch) / "ranges.json"
        save_tensors_data(calibrator.compute_data(), draft)
        target.write_bytes(draft.read_bytes())


class _Piece(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime is untyped
    """One batch of images."""

    def __init__(self, images: Pixels) -> None:
        self._left = [{"image": np.ascontiguousarray(images)}]

    def get_next(self) -> dict[str, Pixels] | None:
        """The batch, once."""
        return self._left.pop() if self._left else None


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Keep what onnxruntime prints of its steps from stdout, where an answer may be expected."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        logging.disable(before)
