"""What people confirmed of a model's predictions, as labelled files and as a source of its own.

Knows nothing of how the log is read, or of how images are prepared.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from mlopsproj_core.errors import ConfigError, DataError
from mlopsproj_core.manifest import Name
from mlopsproj_core.written_time import written_time
from mlopsproj_records import Database
from pydantic import TypeAdapter, ValidationError

from mlopsproj_data.config import DataConfig
from mlopsproj_data.labelling.confirmed import (
    Confirmations,
    ConfirmedImage,
    models_with_feedback,
    read_confirmations,
)
from mlopsproj_data.labelling.labelled_folder import LabelledFolder, write_labelled_folder
from mlopsproj_data.labelling.log_location import LogLocation
from mlopsproj_data.labelling.stored_images import fetch_stored_images
from mlopsproj_data.records import LabelledSource, Provenance
from mlopsproj_data.sources.labelled_files import LabelledFile, file_source, in_order
from mlopsproj_data.sources.printing import listed, plural, printable

_NAME: Final = TypeAdapter[str](Name)

NOT_KEPT: Final = "it was not kept"
STORED_BY: Final = (
    "MLOPSPROJ_IMAGE_LOG_URL says where images are kept from now on, and MLOPSPROJ_API_IMAGE_SHARE"
    " how many of them"
)


@dataclass(frozen=True)
class Feedback:
    """Confirmed images that can be learned from.

    Attributes:
        model: whose predictions they are.
        files: labelled, at least one.
        provenance: where they come from, and what was left out.
        description: the same in one line.
    """

    model: str
    files: tuple[LabelledFile, ...]
    provenance: Provenance
    description: str


def read_feedback(
    config: DataConfig, log: LogLocation, folder: Path, *, model: str | None = None
) -> Feedback:
    """Read the log, fetch the images and write them as a labelled folder.

    What cannot be had is left out, counted and told.

    Args:
        config: which model's, and until when.
        log: that is read.
        folder: where images and labelled folders are kept.
        model: whose predictions count unless the configuration says so; the only one that was
            told anything about unless given.

    Raises:
        ConfigError: if no time or model is named that there is.
        DataError: if nothing can be learned from, or the images cannot be reached.
        RecordsError: if the log cannot be read.
    """
    until = written_time(config.feedback_until, "data.feedback_until")
    with log.open() as database:
        model = _model(database, config.feedback_model or model, until)
        confirmations = read_confirmations(database, model, until=until)
    wanted = [(image.sha256, image.image_url) for image in confirmations.images]
    found = fetch_stored_images(
        [(sha256, url) for sha256, url in wanted if url is not None],
        folder / "images",
        image_log_url=log.image_log_url,
    )
    had: list[tuple[ConfirmedImage, Path]] = []
    left_out: list[dict[str, Any]] = []
    for image in confirmations.images:
        outcome = found.get(image.sha256, NOT_KEPT)
        if isinstance(outcome, Path):
            had.append((image, outcome))
        else:
            left_out.append(_left_out(image, outcome))
    if not had:
        raise DataError(
            f"Of {plural(confirmations.predictions, 'labelled prediction')} of {model} no image can"
            f" be had ({_reasons(left_out)}): {STORED_BY}."
        )
    written = write_labelled_folder(had, left_out, name=model, parent=folder)
    return _feedback(model, written, confirmations, left_out, config)


def feedback_source(feedback: Feedback) -> LabelledSource:
    """Confirmed images alone; their labels are the classes."""
    source = file_source(
        feedback.files,
        name=feedback.model,
        classes=in_order({file.label for file in feedback.files}),
        description=feedback.description,
        issues=(),
    )
    return replace(source, provenance=feedback.provenance)


def _model(database: Database, asked: str | None, until: datetime | None) -> str:
    models = models_with_feedback(database, until=until)
    when = f" before {until.isoformat()}" if until else ""
    if not models:
        raise DataError(
            f"The prediction log {database.url} holds no feedback{when}: nobody has told the true"
            " label of a prediction. `uv run data select` lists those that are most worth it."
        )
    if asked is None and len(models) > 1:
        raise ConfigError(
            f"The prediction log {database.url} holds feedback about several models"
            f" ({listed(models)}): name one by data.feedback_model={models[0]}."
        )
    if asked is not None and asked not in models:
        raise DataError(
            f"The prediction log {database.url} holds no feedback about {asked}{when}, only about"
            f" {listed(models)}: name one of these by data.feedback_model=NAME."
        )
    try:
        return _NAME.validate_python(asked or models[0])
    except ValidationError:
        raise DataError(
            f"The prediction log {database.url} holds feedback about"
            f" {printable(asked or models[0])!r}, which is no name of a model: leave it out by"
            " data.feedback_model=NAME."
        ) from None


def _left_out(image: ConfirmedImage, reason: str) -> dict[str, Any]:
    return {
        "prediction_id": image.prediction_id,
        "content_id": image.sha256,
        "label": image.label,
        "reason": reason,
        "stored_at": image.image_url,
    }


def _reasons(left_out: Sequence[Mapping[str, Any]]) -> str:
    counts = Counter(row["reason"] for row in left_out)
    return ", ".join(f"{reason}: {count:,}" for reason, count in counts.items())


def _warnings(
    confirmations: Confirmations, left_out: Sequence[Mapping[str, Any]]
) -> tuple[str, ...]:
    warnings = [_told(left_out)] if left_out else []
    if contradicting := confirmations.contradicting:
        warnings.append(
            f"of {plural(len(contradicting), 'image')} several predictions were given different"
            f" labels; the latest counts: {listed(contradicting, most=3)}"
        )
    return tuple(warnings)


def _told(left_out: Sequence[Mapping[str, Any]]) -> str:
    ids = listed([row["prediction_id"] for row in left_out], most=3)
    lines = (
        f"{plural(len(left_out), 'confirmed image')} cannot be learned from"
        f" ({_reasons(left_out)}): predictions {ids}"
    )
    not_kept = any(row["reason"] == NOT_KEPT for row in left_out)
    return f"{lines}. {STORED_BY}." if not_kept else f"{lines}."


def _feedback(
    model: str,
    written: LabelledFolder,
    confirmations: Confirmations,
    left_out: Sequence[Mapping[str, Any]],
    config: DataConfig,
) -> Feedback:
    counts = Counter(row["reason"] for row in left_out)
    facts = {
        "model": model,
        "until": config.feedback_until,
        "predictions": confirmations.predictions,
        "images": len(written.files),
        "left_out": dict(counts),
        "contradicting": len(confirmations.contradicting),
        "folder": str(written.path),
    }
    classes = {file.label for file in written.files}
    description = (
        f"confirmed predictions of {printable(model)}: {plural(len(written.files), 'image')} in"
        f" {plural(len(classes), 'class', 'classes')}"
    )
    if left_out:
        description += f" ({plural(len(left_out), 'image')} left out: {_reasons(left_out)})"
    warnings = _warnings(confirmations, left_out)
    return Feedback(model, written.files, Provenance(facts, written.table, warnings), description)
