"""Makes the prepared data set that later releases must read: `python make_frozen.py FOLDER`.

Run it once for each schema of prepared data, by the release that has it, and commit what it makes
as `prepared-{schema}`: what stands here already is never made again. Schema 1 was made by the last
commit that wrote it.
"""

import struct
import sys
import tempfile
from pathlib import Path

import numpy as np
from mlopsproj_data import DataConfig, prepare
from mlopsproj_data.config import Source

NAMES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", 50),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte", 12),
}


def main(prepared_dir: Path) -> None:
    """Prepare 62 random images of 8 x 8 pixels and two classes in a folder."""
    random = np.random.default_rng(11)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary, "frozen")
        folder.mkdir()
        for images, labels, count in NAMES.values():
            pixels = random.integers(0, 256, (count, 8, 8), dtype=np.uint8)
            (folder / images).write_bytes(_idx(pixels))
            (folder / labels).write_bytes(_idx(np.arange(count, dtype=np.uint8) % 2))
        config = DataConfig(path=str(folder), source=Source.idx, prepared_dir=str(prepared_dir))
        print(prepare(config).folder)  # noqa: T201 (the answer of the script)


def _idx(array: np.ndarray) -> bytes:
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
