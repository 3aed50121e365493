"""From a configuration to its source: what is named, or what is recognised.

Knows nothing of how images are prepared.
"""

from pathlib import Path

from mlopsproj_core.errors import ConfigError, DataError

from mlopsproj_data.config import DataConfig, Source
from mlopsproj_data.fashion_mnist import fashion_mnist_source, sample_source
from mlopsproj_data.idx import find_idx_files, idx_source
from mlopsproj_data.records import LabelledSource

_LONGEST_NAME = 100


def open_source(config: DataConfig) -> LabelledSource:
    """The source that a configuration names, or the one that its path is recognised as.

    Raises:
        ConfigError: if the source needs a path and there is none.
        DataError: if it cannot be read, or not recognised.
    """
    if config.path == "":
        raise ConfigError("data.path is empty: name a folder, or leave it out.")
    path = None if config.path is None else Path(config.path).expanduser()
    if path is not None and not path.is_dir():
        raise DataError(
            f"data.path={path} {'is no folder' if path.exists() else 'does not exist'}: name the"
            " folder with the IDX files."
        )
    # A path says more than the default that a configuration file names.
    source = config.source
    if path is not None and source is Source.sample:
        source = Source.auto
    match source:
        case Source.fashion_mnist:
            return fashion_mnist_source(path, prepared_folder(config) / "downloads")
        case Source.idx:
            if path is None:
                raise ConfigError("data.source=idx needs data.path=FOLDER with the IDX files.")
            return idx_source(path, name=_name_of(path))
        case Source.auto if path is not None:
            if not find_idx_files(path):
                raise DataError(
                    f"data.path={path} is not recognised: a folder of IDX files is"
                    " (train-images-idx3-ubyte, train-labels-idx1-ubyte, gzipped or not)."
                )
            return idx_source(path, name=_name_of(path))
        case _:
            return sample_source()


def prepared_folder(config: DataConfig) -> Path:
    """Where prepared data sets are kept."""
    return Path(config.prepared_dir).expanduser()


def _name_of(path: Path) -> str:
    """A model's name from a folder's: lower case, and `-` for what a name may not hold."""
    letters = (
        letter if letter.isalnum() and letter.isascii() else "-"
        for letter in path.resolve().name.lower()
    )
    return "".join(letters).strip("-")[:_LONGEST_NAME] or "data"
