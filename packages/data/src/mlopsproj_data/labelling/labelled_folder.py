"""Confirmed images as a labelled folder, with what is known of where each label comes from.

    labels.csv           a row for each image; see `COLUMNS`
    left_out.json        predictions whose image could not be had, each with the reason
    images/CLASS/….jpg   the images, as they were sent

The table names the classes; the folders are for people, since a class may have a name that no
folder can have. A folder is whole or not there, and is never changed: other labels make another
one. `data.path=FOLDER` reads it like any table of paths and labels. Knows nothing of databases.
"""

import csv
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import Any, Final

from mlopsproj_core.local_files import put_in_place
from mlopsproj_core.manifest import is_device

from mlopsproj_data.drafts import draft_of
from mlopsproj_data.labelling.confirmed import ConfirmedImage
from mlopsproj_data.sources.labelled_files import LabelledFile
from mlopsproj_data.sources.printing import printable

LABELS: Final = "labels.csv"
LEFT_OUT: Final = "left_out.json"
IMAGES: Final = "images"
COLUMNS: Final = (
    *("path", "label", "content_id", "prediction_id"),
    *("model", "version", "actor", "time", "stored_at"),
)

_UNSAFE = re.compile(r"[^\w.() +&-]+")
_LONGEST_NAME: Final = 200
"""In bytes; most file systems take 255."""


@dataclass(frozen=True)
class LabelledFolder:
    """A folder that was written.

    Attributes:
        path: of the folder.
        files: as a source takes them, in the order of their content ids: where they were fetched
            to, since the folder is for people.
    """

    path: Path
    files: tuple[LabelledFile, ...]

    @property
    def table(self) -> Path:
        """Paths, labels and where each comes from."""
        return self.path / LABELS


def write_labelled_folder(
    images: Sequence[tuple[ConfirmedImage, Path]],
    left_out: Sequence[Mapping[str, Any]],
    *,
    name: str,
    parent: Path,
) -> LabelledFolder:
    """Write the folder of these images, or find it written.

    Args:
        images: each with its file.
        left_out: what is told of predictions whose image could not be had.
        name: what the folder's name begins with.
        parent: that the folder is made in.

    Raises:
        DataError: if it cannot be written.
    """
    folders = class_folder_names(image.label for image, _ in images)
    rows = [_row(image, file, folders[image.label]) for image, file in images]
    digest = hashlib.sha256(json.dumps([rows, list(left_out)]).encode()).hexdigest()
    target = parent / f"{name}-{digest[:12]}"
    if not target.exists():
        with draft_of(target) as draft:
            draft.mkdir()
            for row, (_, file) in zip(rows, images, strict=True):
                path = draft / row["path"]
                path.parent.mkdir(parents=True, exist_ok=True)
                _link(file, path)
            _write_table(draft / LABELS, rows)
            text = json.dumps(list(left_out), indent=2, ensure_ascii=False)
            (draft / LEFT_OUT).write_text(text + "\n", encoding="utf-8")
            try:
                put_in_place(draft, target)
            except OSError:
                if not target.exists():  # else another process was faster, with the same
                    raise
    files = (_file(row, file) for row, (_, file) in zip(rows, images, strict=True))
    return LabelledFolder(target, tuple(files))


def class_folder_names(labels: Iterable[str]) -> dict[str, str]:
    """A name for the folder of each class: its own, as far as a folder can have it."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for label in sorted(set(labels)):
        cut = _UNSAFE.sub("-", label).encode()[:_LONGEST_NAME].decode(errors="ignore")
        plain = cut.strip(" .") or "class"
        if is_device(plain):
            plain = f"class {plain}"
        name, number = plain, 1
        while name.casefold() in taken:
            number += 1
            name = f"{plain}-{number}"
        taken.add(name.casefold())
        names[label] = name
    return names


def _row(image: ConfirmedImage, file: Path, folder: str) -> dict[str, str]:
    values = (
        f"{IMAGES}/{folder}/{file.name}",
        image.label,
        image.sha256,
        image.prediction_id,
        image.model,
        str(image.version),
        image.actor,
        image.time.astimezone(UTC).isoformat(),
        image.image_url or "",
    )
    return dict(zip(COLUMNS, values, strict=True))


def _file(row: Mapping[str, str], file: Path) -> LabelledFile:
    return LabelledFile(
        path=file,
        name=row["path"],
        size=file.stat().st_size,
        modified=0,  # of the copy, which says nothing of the image
        label=row["label"],
        split=None,
        group=None,
        origin=f"feedback {row['prediction_id']}: {printable(row['path'])}",
    )


def _link(file: Path, target: Path) -> None:
    try:
        os.link(file, target)
    except OSError:  # a file system without hard links
        shutil.copyfile(file, target)


def _write_table(path: Path, rows: Sequence[Mapping[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
