"""Makes the embedded sample from the official files: run it, then commit what changed.

Run: uv run python packages/data/scripts/make_sample.py [FOLDER_OF_IDX_FILES]

Images are drawn class by class with a fixed seed, none of them twice: neither the same image
within a split nor a test image that is trained on.
"""
# ruff: noqa: INP001 (a script is no part of a package)

import sys
from pathlib import Path

import numpy as np
from mlopsproj_core.errors import DataError
from mlopsproj_core.image import Pixels
from mlopsproj_data.sources.fashion_mnist import CLASSES, DEBIAN_FOLDER, SAMPLE_PER_CLASS, to_mosaic
from mlopsproj_data.sources.idx import find_idx_files, read_idx
from PIL import Image

SAMPLE = Path(__file__).parents[1] / "src" / "mlopsproj_data" / "sample"
SEED = 20170825  # the day that the data set was published


def draw(folder: Path) -> dict[str, Pixels]:
    """The images of each split, `(N, 28, 28)`, in the order of their classes.

    Raises:
        DataError: if the files are missing, or hold too few different images of a class.
    """
    files = find_idx_files(folder)
    rng = np.random.default_rng(SEED)
    seen: set[bytes] = set()
    drawn = {}
    # Test first: an image that stands in both is kept for the test.
    for split in ("test", "train"):
        if split not in files:
            raise DataError(
                f"{folder} holds no {split} images as IDX files: name the folder of the four"
                " official ones (Debian: apt install dataset-fashion-mnist)."
            )
        images, labels = (read_idx(path) for path in files[split])
        chosen: list[int] = []
        for label in range(len(CLASSES)):
            wanted = len(chosen) + SAMPLE_PER_CLASS[split]
            for index in rng.permutation(np.flatnonzero(labels == label)):
                content = images[index].tobytes()
                if content not in seen:
                    seen.add(content)
                    chosen.append(int(index))
                if len(chosen) == wanted:
                    break
            if len(chosen) < wanted:
                raise DataError(
                    f"{files[split][0]} holds {wanted - len(chosen):,} different images of"
                    f" {CLASSES[label]} too few: {SAMPLE_PER_CLASS[split]:,} are drawn of each"
                    " class. Name the folder of the official files."
                )
        drawn[split] = images[chosen]
    return drawn


def main() -> None:
    """Write the mosaics."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else DEBIAN_FOLDER
    for split, images in draw(folder).items():
        Image.fromarray(to_mosaic(images)).save(SAMPLE / f"{split}.png", optimize=True)


if __name__ == "__main__":
    main()
