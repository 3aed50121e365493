"""The embedded sample as a folder of image files: what a user's own photographs look like.

    train/T-shirt-top/0000.png ...    test/T-shirt-top/0000.png ...    LICENSE

Written beside its place and renamed when it is whole. Knows nothing of how a folder is read.
"""

from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Final

import numpy as np
from mlopsproj_core.errors import ConfigError
from mlopsproj_core.local_files import put_in_place
from PIL import Image

from mlopsproj_data.drafts import draft_of
from mlopsproj_data.sources.fashion_mnist import CLASSES, SAMPLE_PER_CLASS, sample_source

FOLDERS: Final = {name: name.replace("/", "-") for name in CLASSES}
"""Where the images of each class lie: its name, with `-` for what no file's name may hold."""

_REPORT_EVERY: Final = 256


def write_sample_folder(out: Path, *, progress: Callable[[int, int], None] | None = None) -> None:
    """Write the embedded sample as PNG files, a folder for each class below train and test.

    Args:
        out: a folder that does not exist, or is empty.
        progress: told how many images are written, and of how many.

    Raises:
        ConfigError: if `out` is something else, or the folder in which the command is run.
        DataError: if it cannot be written.
    """
    target = out.resolve()
    if target.exists() and not target.is_dir():
        raise ConfigError(f"{out} is a file: name a folder that does not exist yet.")
    if target == Path.cwd():
        raise ConfigError(f"{out} is the present folder: name a new one in it.")
    if target.is_dir() and any(target.iterdir()):
        raise ConfigError(f"{out} is not empty: name a folder that does not exist yet.")
    with draft_of(target, "another OUT") as draft:
        draft.mkdir()
        _write_images(draft, progress)
        licence = files("mlopsproj_data") / "sample" / "LICENSE"
        (draft / licence.name).write_bytes(licence.read_bytes())
        if target.exists():
            target.rmdir()  # it is empty, and Windows renames to no folder that exists
        put_in_place(draft, target)


def _write_images(folder: Path, progress: Callable[[int, int], None] | None) -> None:
    for split in SAMPLE_PER_CLASS:
        for name in FOLDERS.values():
            (folder / split / name).mkdir(parents=True)
    source = sample_source()
    for done, record in enumerate(source.records()):
        if progress and done % _REPORT_EVERY == 0:
            progress(done, source.count)
        index = int(record.origin.rpartition("#")[2]) % SAMPLE_PER_CLASS[str(record.split)]
        place = folder / str(record.split) / FOLDERS[CLASSES[record.label]]
        assert isinstance(record.image, np.ndarray)  # noqa: S101 (the sample's are arrays)
        Image.fromarray(record.image).save(place / f"{index:04}.png")
    if progress:
        progress(source.count, source.count)
