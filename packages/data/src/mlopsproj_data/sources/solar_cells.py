"""ELPV: electroluminescence photographs of solar cells, functional or defective.

2,624 grey images of 300 x 300 pixels, cut out of the photographs of 44 modules, in the package
`elpv-dataset` (the extra solar-cells; CC BY-NC-SA 4.0). Two answers of an expert, whether a cell is
defective and whether the expert is sure, make its probability of a defect: 0 (surely functional),
1/3, 2/3 or 1 (surely defective). A cell is defective here if that is above 0.5.

A cell is of a monocrystalline module or of a polycrystalline one, and can be chosen by that. Which
of the 44 modules it was cut from is not told, so cells of one module may stand in all splits.

Deitsch et al. 2019, "Automatic classification of defective photovoltaic module cells in
electroluminescence images", Solar Energy 185, doi:10.1016/j.solener.2019.02.067.
"""

import csv
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from mlopsproj_core.errors import ConfigError, DataError

from mlopsproj_data.records import LabelledSource
from mlopsproj_data.sources.labelled_files import LabelledFile, file_source
from mlopsproj_data.sources.printing import plural

NAME: Final = "solar-cells"
MONO: Final = "mono"
POLY: Final = "poly"
"""Types of a module, as the package calls them."""

CLASSES: Final = ("functional", "defective")

DEFECTIVE_ABOVE: Final = 0.5
"""Probability of a defect."""


def solar_cells_source(module: str | None = None) -> LabelledSource:
    """Cells without splits or groups; an origin tells the number and the module's type.

    The files of the package are named, not its arrays: they are decoded when they are needed.

    Args:
        module: type of the modules that the cells are of, `MONO` or `POLY`; both unless given.

    Raises:
        ConfigError: if the package is not installed.
        DataError: if its files cannot be read.
    """
    spec = find_spec("elpv_dataset")
    if spec is None or spec.origin is None:
        raise ConfigError(
            "data.source=solar_cells needs the package elpv-dataset: install mlopsproj-data with"
            " the extra solar-cells (uv sync --extra solar-cells)."
        )
    folder = Path(spec.origin).parent / "data"
    try:
        text = (folder / "labels.csv").read_text(encoding="ascii")
        rows = [list(filter(None, row)) for row in csv.reader(text.splitlines(), delimiter=" ")]
        files = [_cell(folder, *row) for row in rows if module is None or row[-1] == module]
    except (OSError, ValueError, TypeError) as error:
        raise DataError(
            f"{folder} does not hold the images of elpv-dataset ({error}): install it again."
        ) from error
    of = "" if module is None else f" of {module}crystalline modules"
    return file_source(
        files,
        name=NAME if module is None else f"{NAME}-{module}",
        classes=CLASSES,
        description=f"photographs of solar cells{of} (ELPV): {plural(len(files), 'image')}",
        issues=(),
    )


def _cell(folder: Path, name: str, probability: str, kind: str) -> LabelledFile:
    """From a row of the labels."""
    path = folder / name
    status = path.stat()
    return LabelledFile(
        path=path,
        name=name,
        size=status.st_size,
        modified=0,  # of the installation, which says nothing of the images
        label=CLASSES[float(probability) > DEFECTIVE_ABOVE],
        split=None,
        group=None,
        origin=f"{name} ({kind})",
    )
