"""Selected predictions as a folder for a person: images, a table to fill in, a page to look at.

    labels.csv      a row for each image; the column label is filled in, by whatever opens a CSV
    index.html      the images with what the model took them for; asks no other host for anything
    images/         0001.jpg …, the most worthwhile first

The folder is whole or not there. Knows nothing of how predictions were selected, or of what becomes
of labels.
"""

import csv
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final

from jinja2 import Environment, StrictUndefined
from mlopsproj_core.errors import DataError
from mlopsproj_core.local_files import put_in_place

from mlopsproj_data.drafts import draft_of
from mlopsproj_data.labelling.selection import Selected

LABELS: Final = "labels.csv"
PAGE: Final = "index.html"
IMAGES: Final = "images"

IMAGE, LABEL, PREDICTION, PREDICTED = "image", "label", "prediction_id", "predicted"
COLUMNS: Final = (IMAGE, LABEL, PREDICTED, "probability", "reason", PREDICTION)

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""What a cell begins with that a spreadsheet program calculates instead of showing it (OWASP, CSV
injection)."""

_TEMPLATE: Final = "label_sheet.html.jinja"


@dataclass(frozen=True)
class LabelSheet:
    """A folder that was written.

    Attributes:
        path: of the folder.
        images: that are in it.
        left_out: ids of predictions whose image cannot be had, each with the reason.
    """

    path: Path
    images: int
    left_out: Mapping[str, str]

    @property
    def table(self) -> Path:
        """That is filled in."""
        return self.path / LABELS

    @property
    def page(self) -> Path:
        """That is looked at."""
        return self.path / PAGE


def write_label_sheet(
    selected: Sequence[Selected],
    images: Mapping[str, Path | str],
    answers: Mapping[str, Sequence[tuple[str, float]]],
    folder: Path,
    *,
    title: str,
) -> LabelSheet:
    """Write the folder.

    Args:
        selected: the most worthwhile first.
        images: file of each by its sha256, or why there is none.
        answers: classes and probabilities of each prediction, by its id, the best first.
        folder: that does not exist yet, or is empty.
        title: of the page.

    Raises:
        DataError: if the folder holds anything, is the present one, or cannot be written.
    """
    if folder.resolve() == Path.cwd():
        raise DataError(f"{folder} is the present folder: name a new one in it.")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DataError(f"{folder} is there already, and not empty: name another folder.")
    rows: list[dict[str, str]] = []
    shown: list[dict[str, object]] = []
    left_out: dict[str, str] = {}
    with draft_of(folder, "another folder by --export FOLDER") as draft:
        (draft / IMAGES).mkdir(parents=True)
        for each in selected:
            candidate = each.candidate
            file = images[candidate.sha256]
            if isinstance(file, str):
                left_out[candidate.prediction_id] = file
                continue
            name = f"{IMAGES}/{len(rows) + 1:04d}{file.suffix}"
            shutil.copyfile(file, draft / name)
            answer = answers[candidate.prediction_id]
            best, probability = answer[0]
            reason = f"{each.reason}: more so than {each.share:.1%} of the log"
            values = (
                name,
                "",
                _as_text(best),
                f"{probability:.4f}",
                reason,
                candidate.prediction_id,
            )
            rows.append(dict(zip(COLUMNS, values, strict=True)))
            shown.append({"file": name, "answer": answer, "reason": reason})
        # Whoever opens it in a spreadsheet program is to see letters as they are.
        with (draft / LABELS).open("w", encoding="utf-8-sig", newline="") as file_:
            writer = csv.DictWriter(file_, COLUMNS)
            writer.writeheader()
            writer.writerows(rows)
        (draft / PAGE).write_text(_page(title, shown), encoding="utf-8")
        if folder.exists():
            folder.rmdir()
        put_in_place(draft, folder)
    return LabelSheet(folder, len(rows), left_out)


def _as_text(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _page(title: str, shown: Sequence[Mapping[str, object]]) -> str:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    template = environment.from_string(files(__package__).joinpath(_TEMPLATE).read_text("utf-8"))
    return template.render(title=title, shown=shown, table=LABELS)
