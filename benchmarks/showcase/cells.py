"""The solar cells of the showcase, and what each is there for. No cell is in two parts.

Knows nothing of models and services.
"""

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from mlopsproj_data.config import DataConfig, Source
from mlopsproj_data.sources.recognition import open_source

SEED = 0
OWN, NEW = "mono", "poly"
"""Types of the modules: of which the first model learns, and which come up later."""


@dataclass(frozen=True)
class Cell:
    """One photograph.

    Attributes:
        path: of the file.
        label: its true class.
        module: `OWN` or `NEW`.
    """

    path: Path
    label: str
    module: str


@dataclass(frozen=True)
class Parts:
    """Cells by what they are there for, in random order.

    Attributes:
        first: monocrystalline; the first model is trained, chosen and tested on these.
        own: monocrystalline; only ever asked about, so that no model has seen any of them.
        labelled: polycrystalline; asked about, then labelled: the second model is trained, chosen
            and tested on these and `first`.
        unseen: polycrystalline; only ever asked about, once the second model answers.
    """

    first: tuple[Cell, ...]
    own: tuple[Cell, ...]
    labelled: tuple[Cell, ...]
    unseen: tuple[Cell, ...]


def divide(first: int, labelled: int) -> Parts:
    """Divide all cells by a fixed draw.

    Args:
        first: monocrystalline cells that are learned from.
        labelled: polycrystalline cells that get labels.
    """
    own, new = (
        _shuffled(_cells(Source.solar_cells_mono, OWN)),
        _shuffled(_cells(Source.solar_cells_poly, NEW)),
    )
    return Parts(own[:first], own[first:], new[:labelled], new[labelled:])


def _cells(source: Source, module: str) -> list[Cell]:
    """Each photograph once: the same one under two names would be in two parts."""
    opened = open_source(DataConfig(source=source))
    cells: dict[str, Cell] = {}
    for record in opened.records():
        if not isinstance(record.image, Path):
            raise TypeError("a source of files gives paths")
        digest = hashlib.sha256(record.image.read_bytes()).hexdigest()
        cells.setdefault(digest, Cell(record.image, opened.classes[record.label], module))
    return list(cells.values())


def _shuffled(cells: list[Cell]) -> tuple[Cell, ...]:
    order = np.random.default_rng(SEED).permutation(len(cells))
    return tuple(cells[place] for place in order)


def mixed(*parts: tuple[Cell, ...]) -> tuple[Cell, ...]:
    """Cells of several parts in a random order."""
    return _shuffled([cell for part in parts for cell in part])


def write_class_folders(cells: tuple[Cell, ...], folder: Path) -> None:
    """Copy cells as a user keeps images: a folder for each class."""
    shutil.rmtree(folder, ignore_errors=True)
    for cell in cells:
        target = folder / cell.label / cell.path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(cell.path, target)
