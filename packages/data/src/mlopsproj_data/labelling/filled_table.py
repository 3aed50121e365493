"""A table of labels that a person filled in, as feedback: all of it, or nothing.

Any CSV with the columns prediction_id and label, whatever its delimiter and encoding, or Parquet. A
blank label says nothing. Knows nothing of how predictions were selected.
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from mlopsproj_core.errors import DataError
from mlopsproj_records import Database, FeedbackRecord, StoredPrediction, uuid7

from mlopsproj_data.labelling.label_sheet import LABEL, PREDICTION
from mlopsproj_data.sources.printing import listed, plural, printable
from mlopsproj_data.sources.table_files import TableFile

_LABEL = re.compile(r"[^\x00-\x1f\x7f-\x9f]{1,200}")
"""As `POST /v1/feedback` takes them."""


@dataclass(frozen=True)
class Told:
    """What became of a table.

    Attributes:
        labels: that were recorded, how many of each.
        blank: rows without a label.
        known: rows whose label is what was told last.
    """

    labels: dict[str, int]
    blank: int
    known: int


def tell_labels(
    database: Database,
    table: Path,
    actor: str,
    *,
    classes_of: Callable[[str, int], Collection[str]] | None,
) -> Told:
    """Record the labels of a table.

    Args:
        database: of the prediction log.
        table: that was filled in.
        actor: who says so.
        classes_of: the classes of a version of a model, given its name and number; None takes any
            label.

    Raises:
        DataError: if there is no such table, or a row names no prediction or no class; nothing is
            recorded then.
        RecordsError: if the database cannot be used.
    """
    records: list[FeedbackRecord] = []
    faults: list[str] = []
    blank = known = 0
    for where, prediction_id, label in _rows(table):
        if not label:
            blank += 1
            continue
        stored = database.prediction(prediction_id)
        if stored is None:
            faults.append(f"{where}: there is no prediction {printable(prediction_id)!r}")
        elif fault := _fault(stored, label, classes_of):
            faults.append(f"{where}: {fault}")
        elif stored.feedback is not None and stored.feedback.label == label:
            known += 1
        else:
            records.append(FeedbackRecord(uuid7(), prediction_id, label, actor, datetime.now(UTC)))
    if faults:
        raise DataError(
            f"{table} is not taken, {plural(len(faults), 'row')} being wrong:"
            f" {listed(faults, most=3)}. Mend this, and run the same command again."
        )
    refused = database.insert(records)
    if refused:
        raise DataError(
            f"The database {database.url} refuses {plural(len(refused), 'label')}"
            f" ({refused[0].reason}); the others are recorded."
        )
    return Told(dict(Counter(record.label for record in records)), blank, known)


def _rows(table: Path) -> Iterator[tuple[str, str, str]]:
    """Where each row stands, its prediction and its label."""
    if not table.is_file():
        raise DataError(f"{table} is no file: name the table that you filled in.")
    file = TableFile(table)
    for column in (PREDICTION, LABEL):
        if column not in file.columns:
            raise DataError(
                f"{table} has no column {column}, only {listed(file.columns)}: `data select"
                " --export FOLDER` writes a table that has it."
            )
    for row in file.rows((PREDICTION, LABEL)):
        where = f"row {row.number}"
        if row.cells is None:
            raise DataError(f"{table}, {where} has more cells than columns: mend it.")
        yield where, row.cells[0], row.cells[1]


def _fault(
    stored: StoredPrediction,
    label: str,
    classes_of: Callable[[str, int], Collection[str]] | None,
) -> str | None:
    """Why a label cannot be that of a prediction."""
    if not _LABEL.fullmatch(label):
        return f"{printable(label[:20])!r} is no label: give one line of at most 200 characters"
    if classes_of is None:
        return None
    model, version = stored.record.model, stored.record.version
    classes = classes_of(model, version)
    if label in classes:
        return None
    return (
        f"{printable(label)!r} is no class of {model}:{version}, which has"
        f" {listed([printable(name) for name in classes])}; --new-classes takes it all the same"
    )
