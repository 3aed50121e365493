"""A prepared data set, made now or found made before, and what there is to say of it.

Knows nothing of arguments or of how answers are shown.
"""

from typing import Any

from mlopsproj_data import DataConfig, PreparedDataset, prepare
from mlopsproj_data.labelling.log_location import log_for
from mlopsproj_data.sources.recognition import prepared_folder

from mlopsproj_data_cli.next_command import train_command
from mlopsproj_data_cli.progress import progress_bar


def prepare_with_progress(config: DataConfig) -> PreparedDataset:
    """The data set that a configuration names.

    Raises:
        DataError: if its source cannot be used.
    """
    with progress_bar("preparing images") as progress:
        return prepare(config, log=log_for(config), progress=progress)


def prepare_data(config: DataConfig) -> dict[str, Any]:
    """Where the prepared data set is, what it holds, and the next command; JSON-ready.

    Raises:
        DataError: if its source cannot be used.
    """
    before = {path.name for path in prepared_folder(config).glob("*")}
    dataset = prepare_with_progress(config)
    return {
        "name": dataset.name,
        "folder": str(dataset.folder),
        "reused": dataset.folder.name in before,
        "classes": list(dataset.classes),
        "image": list(dataset.spec.shape),
        "counts": dict(dataset.counts),
        "dropped": dict(dataset.dropped),
        "dropped_file": str(dataset.dropped_file) if dataset.dropped_file else None,
        "fingerprint": dataset.fingerprint,
        "provenance": dict(dataset.provenance),
        "next_command": train_command(config),
    }
