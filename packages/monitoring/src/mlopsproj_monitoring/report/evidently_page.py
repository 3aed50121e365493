"""Evidently's report on the same window, for those who know it; needs the extra `evidently`.

Its verdict is its own: it moves with the number of images, and no alarm follows from it. Knows
nothing of our tests.
"""

import os
import warnings
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from mlopsproj_core.errors import ConfigError, DataError
from mlopsproj_core.local_files import put_in_place

from mlopsproj_monitoring.features.measurements import measurements, predicted
from mlopsproj_monitoring.reference import Reference
from mlopsproj_monitoring.sample import Sample

if TYPE_CHECKING:
    import pandas as pd


def write_evidently_page(path: Path, *, reference: Reference, rows: Sample | None) -> None:
    """Write Evidently's data-drift report: numbers of the images, mode, predicted class, label.

    Args:
        path: of the HTML file; replaced when all is written.
        reference: that the window is held against.
        rows: of the window.

    Raises:
        ConfigError: if Evidently is not installed.
        DataError: if the window is empty, or the file cannot be written.
    """
    if rows is None or not len(rows):
        raise DataError("The window is empty: there is nothing that Evidently could report on.")
    os.environ.setdefault("DO_NOT_TRACK", "1")
    try:
        from evidently import DataDefinition, Dataset, Report  # noqa: PLC0415 (an extra, and slow)
        from evidently.presets import DataDriftPreset  # noqa: PLC0415 (likewise)
    except ImportError as error:
        raise ConfigError(
            f"Evidently cannot be used ({error}): install the extra, uv sync --extra evidently."
        ) from error
    frames = [_frame(sample, reference.classes) for sample in (rows, reference.sample)]
    categories = ["mode", "predicted"]
    known = [name for name in frames[0] if name not in categories]
    definition = DataDefinition(
        numerical_columns=[name for name in known if all(frame[name].any() for frame in frames)],
        categorical_columns=categories,
    )
    window, before = (Dataset.from_pandas(frame, data_definition=definition) for frame in frames)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its statistics about constant columns
        report = Report([DataDriftPreset()]).run(window, before)
    draft = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        report.save_html(str(draft))
        put_in_place(draft, path)
    except OSError as error:
        raise DataError(f"{path} cannot be written ({error}): name another file.") from error
    finally:
        with suppress(OSError):  # there may not even be a folder
            draft.unlink()


def _frame(sample: Sample, classes: tuple[str, ...]) -> "pd.DataFrame":
    import pandas as pd  # noqa: PLC0415 (comes with Evidently)

    return pd.DataFrame(
        {
            **measurements(sample),
            "mode": list(sample.mode),
            "predicted": [classes[place] for place in predicted(sample)],
        }
    )
