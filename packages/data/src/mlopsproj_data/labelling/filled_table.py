"""A table of labels that a person filled in, as feedback: all of it, or nothing.

Any CSV with the columns prediction_id and label, whatever its delimiter and encoding, or Parquet. A
blank label says nothing, one that stands there twice counts once. Knows nothing of how predictions
were selected.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from mlopsproj_core.errors import ConfigError, DataError
from mlopsproj_records import Database, FeedbackRecord, uuid7

from mlopsproj_data.labelling.label_sheet import LABEL, PREDICTION
from mlopsproj_data.sources.printing import listed, plural, printable
from mlopsproj_data.sources.table_files import TableFile

_WORD = re.compile(r"[^\x00-\x1f\x7f-\x9f]{1,200}")
"""Labels and actors as `POST /v1/feedback` takes them."""


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
        ConfigError: if the actor is none.
        DataError: if there is no such table, or a row names no prediction or no class, or another
            class than a row before it; nothing is recorded then.
        RecordsError: if the database cannot be used.
    """
    if not _WORD.fullmatch(actor):
        raise ConfigError(f"--actor {actor[:20]!r}: give one line of at most 200 characters.")
    records: list[FeedbackRecord] = []
    rows = list(_rows(table))
    filled, faults = _one_for_each([row for row in rows if row[2]])
    known = 0
    for prediction_id, (where, told) in filled.items():
        stored = database.prediction(prediction_id)
        if stored is None:
            faults.append(f"{where}: there is no prediction {printable(prediction_id)!r}")
            continue
        model, version = stored.record.model, stored.record.version
        classes = None if classes_of is None else classes_of(model, version)
        label = _as_class(told, classes or ())
        if fault := _fault(label, f"{model}:{version}", classes):
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
    blank = sum(not label for _, _, label in rows)
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


def _one_for_each(
    rows: Collection[tuple[str, str, str]],
) -> tuple[dict[str, tuple[str, str]], list[str]]:
    """Where each prediction stands first and its label, and where a later row contradicts it."""
    filled: dict[str, tuple[str, str]] = {}
    faults: list[str] = []
    for where, prediction_id, label in rows:
        first, said = filled.setdefault(prediction_id, (where, label))
        if said != label:
            faults.append(
                f"{where}: {printable(prediction_id)} is {printable(label)!r} here and"
                f" {printable(said)!r} in {first}"
            )
    return filled, faults


def _as_class(label: str, classes: Collection[str]) -> str:
    """A label as the model writes it: the letters of a class may be composed in another way."""
    composed = unicodedata.normalize("NFC", label)
    alike = [name for name in classes if unicodedata.normalize("NFC", name) == composed]
    return alike[0] if len(alike) == 1 and label not in classes else label


def _fault(label: str, version: str, classes: Collection[str] | None) -> str | None:
    """Why a label cannot be that of a prediction."""
    if not _WORD.fullmatch(label):
        return f"{printable(label[:20])!r} is no label: give one line of at most 200 characters"
    if classes is None or label in classes:
        return None
    return (
        f"{printable(label)!r} is no class of {version}, which has"
        f" {listed([printable(name) for name in classes])}; --new-classes takes it all the same"
    )
