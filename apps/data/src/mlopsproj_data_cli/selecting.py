"""The predictions that are most worth a label, and a folder in which a person labels them.

Knows nothing of arguments or of how answers are shown.
"""

import shlex
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from mlopsproj_core.errors import ConfigError, DataError
from mlopsproj_data.labelling.candidates import Candidates, read_candidates
from mlopsproj_data.labelling.label_sheet import LabelSheet, write_label_sheet
from mlopsproj_data.labelling.log_location import LogLocation
from mlopsproj_data.labelling.selection import Selected, select
from mlopsproj_data.labelling.stored_images import fetch_stored_images
from mlopsproj_data.sources.feedback import STORED_BY
from mlopsproj_data.sources.printing import listed, plural
from mlopsproj_records import Database

_POOL_EACH: Final = 20
_SMALLEST_POOL: Final = 1000
"""Candidates among which diverse ones are chosen: so many for each that is wanted, at least."""


@dataclass(frozen=True)
class Selection:
    """What was selected.

    Attributes:
        model: `NAME:VERSION`.
        candidates: that it was selected from.
        selected: the most worthwhile first.
        answers: classes and probabilities of each prediction, by its id, the best first.
    """

    model: str
    candidates: Candidates
    selected: tuple[Selected, ...]
    answers: dict[str, tuple[tuple[str, float], ...]]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "model": self.model,
            "predictions": self.candidates.predictions,
            "labelled": self.candidates.labelled,
            "without_image": self.candidates.without_image,
            "selected": [self._row(each) for each in self.selected],
        }

    def _row(self, each: Selected) -> dict[str, Any]:
        candidate = each.candidate
        best, probability = self.answers[candidate.prediction_id][0]
        strange = candidate.ood_score
        return {
            "prediction_id": candidate.prediction_id,
            "time": candidate.time.isoformat(),
            "predicted": best,
            "probability": round(probability, 4),
            "margin": round(candidate.margin, 4),
            "ood_score": strange if strange == strange else None,  # noqa: PLR0124 (JSON has no NaN)
            "reason": each.reason,
            "share": round(each.share, 4),
            "distance": round(each.distance, 4),
            "image": candidate.image_url,
        }


def select_predictions(
    log: LogLocation,
    count: int,
    *,
    model: str | None,
    since: datetime | None,
    until: datetime | None,
) -> Selection:
    """Choose predictions of one version.

    Args:
        log: that is read.
        count: at most.
        model: `NAME` or `NAME:VERSION`; the only model and the version that answered last unless
            given.
        since: only predictions from this time on.
        until: only predictions before this time.

    Raises:
        ConfigError: if no model is named that there is.
        DataError: if no prediction can be labelled.
        RecordsError: if the log cannot be read.
    """
    with log.open() as database:
        name, version = _version(database, model)
        pool = max(_SMALLEST_POOL, _POOL_EACH * count)
        candidates = read_candidates(database, name, version, since=since, until=until, most=pool)
        if not candidates.found:
            raise DataError(_nothing(f"{name}:{version}", candidates))
        selected = select(candidates, count)
        answers = {}
        for each in selected:
            id_ = each.candidate.prediction_id
            stored = database.prediction(id_)
            if stored is None:
                raise DataError(f"The prediction {id_} was deleted meanwhile: run it again.")
            answers[id_] = stored.record.top_k
    return Selection(f"{name}:{version}", candidates, selected, answers)


def export_selection(log: LogLocation, selection: Selection, folder: Path) -> LabelSheet:
    """Write images, table and page for whoever labels.

    Raises:
        DataError: if the folder cannot be written, or the images not be reached.
    """
    wanted = [(each.candidate.sha256, each.candidate.image_url) for each in selection.selected]
    with tempfile.TemporaryDirectory() as scratch:
        images = fetch_stored_images(wanted, Path(scratch), image_log_url=log.image_log_url)
        return write_label_sheet(
            selection.selected,
            images,
            selection.answers,
            folder,
            title=f"{plural(len(selection.selected), 'prediction')} of {selection.model}",
        )


def label_command(table: Path) -> str:
    """What a user types once the table is filled in."""
    return f"uv run data label {shlex.quote(str(table))}"


def _version(database: Database, model: str | None) -> tuple[str, int]:
    """Name and number of the version whose predictions are meant."""
    name, _, number = (model or "").partition(":")
    if number and not (number.isascii() and number.isdecimal()):
        raise ConfigError(f"--model {model} is no version: give NAME or NAME:VERSION.")
    extents = database.extents(name or None)
    if not extents:
        of = f" of {name}" if name else ""
        raise DataError(f"The prediction log {database.url} holds no predictions{of}.")
    names = sorted({extent.model for extent in extents})
    if len(names) > 1:
        raise ConfigError(
            f"The prediction log {database.url} holds predictions of several models"
            f" ({listed(names)}): name one by --model {names[0]}."
        )
    if number:
        if int(number) not in {extent.version for extent in extents}:
            versions = [f"{each.model}:{each.version}" for each in extents]
            raise DataError(
                f"The prediction log {database.url} holds no predictions of {model}, only of"
                f" {listed(versions)}."
            )
        return names[0], int(number)
    latest = max(extents, key=lambda extent: extent.last)
    return latest.model, latest.version


def _nothing(version: str, candidates: Candidates) -> str:
    if not candidates.predictions:
        return f"{version} has made no predictions in this time: change --since or --until."
    told = (
        f"Of {plural(candidates.predictions, 'prediction')} of {version} none can be labelled and"
        f" learned from: {candidates.labelled:,} are labelled, of {candidates.without_image:,} the"
        " image is not kept."
    )
    return f"{told} {STORED_BY}." if candidates.without_image else told
