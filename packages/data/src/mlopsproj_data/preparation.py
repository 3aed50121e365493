"""Any source to a prepared data set: decoded and resized once, checked, whole or not there at all.

What was prepared before is found again by the source's signature. Records are examined on all
cores and their pixels put straight to their place, in a hidden folder beside the data set's own: an
interrupted preparation goes on there, and a data set that is refused can be prepared without its
offenders and without decoding anything again. Two processes that prepare the same take turns.
"""

import hashlib
import json
import logging
import shlex
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, replace
from itertools import compress, islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
from mlopsproj_core.errors import ConfigError, DataError, InvalidDataError
from mlopsproj_core.image import MAX_SIDE, MIN_SIDE, ImageSpec
from mlopsproj_core.local_files import put_in_place
from mlopsproj_core.manifest import Name
from pydantic import TypeAdapter, ValidationError

from mlopsproj_data.appending import as_in_base, begin_with
from mlopsproj_data.balance import divide, with_splits
from mlopsproj_data.config import DataConfig
from mlopsproj_data.crew import examine_all
from mlopsproj_data.drafts import kept_draft_of, remove_draft
from mlopsproj_data.examination import EXAMINED
from mlopsproj_data.prepared import SCHEMA_VERSION, PreparedDataset
from mlopsproj_data.records import LabelledSource
from mlopsproj_data.sources.recognition import open_source, prepared_folder
from mlopsproj_data.split_ledger import append_to_ledger, ledger_file, ledger_lock, read_ledger
from mlopsproj_data.splits import Chooser, check_fraction
from mlopsproj_data.unfinished import Unfinished
from mlopsproj_data.validation.checks import check
from mlopsproj_data.validation.summary import summary
from mlopsproj_data.writing import Contents, write_dataset

if TYPE_CHECKING:
    from mlopsproj_data.labelling.log_location import LogLocation

logger = logging.getLogger(__name__)

Progress = Callable[[int, int], None]
"""Told how many records are done, and of how many."""

_FINAL: Final = "final"
_NAME: Final = TypeAdapter[str](Name)


def prepare(
    config: DataConfig,
    *,
    source: LabelledSource | None = None,
    log: "LogLocation | None" = None,
    progress: Progress | None = None,
) -> PreparedDataset:
    """Prepare the data set that a configuration names, or find it prepared.

    Args:
        config: the source, and how its images are made alike.
        source: what `open_source` gave for this configuration, where it is open already.
        log: the prediction log, where confirmed predictions are asked for.
        progress: told how many records are done, and of how many.

    Raises:
        ConfigError: if the configuration contradicts itself.
        InvalidDataError: if validation finds errors, and `drop_invalid` is not set.
        DataError: if the source cannot be used or changes meanwhile, or the disk is full.
    """
    try:
        return prepare_source(
            source_of(config, source, log),
            prepared_folder(config),
            validation_fraction=config.validation_fraction,
            drop_invalid=config.drop_invalid,
            signature_now=lambda: open_source(config, log).signature,
            progress=progress,
        )
    except InvalidDataError as error:
        path = "" if config.path is None else f" {shlex.quote(config.path)}"
        raise InvalidDataError(f"{error}\nSee all of it: uv run data validate{path}") from None


def source_of(
    config: DataConfig, opened: LabelledSource | None = None, log: "LogLocation | None" = None
) -> LabelledSource:
    """The source of a configuration, with the name and the image spec that it asks for.

    Args:
        config: of the data.
        opened: what `open_source` gave for it, where it is open already.
        log: the prediction log, where confirmed predictions are asked for.

    Raises:
        ConfigError: if the configuration contradicts itself.
        DataError: if the source cannot be used.
    """
    _check(config)
    source = open_source(config, log) if opened is None else opened
    for warning in source.provenance.warnings if source.provenance else ():
        logger.warning("warning: %s", warning)
    return _as_wished(source, config)


def _as_wished(source: LabelledSource, config: DataConfig) -> LabelledSource:
    """With the name and the image spec that are asked for, and so what it begins with."""
    return replace(
        source,
        name=config.name or source.name,
        spec=_spec(config, source.spec),
        base=None if source.base is None else _as_wished(source.base, config),
    )


def prepare_source(
    source: LabelledSource,
    prepared_dir: Path,
    *,
    validation_fraction: float,
    drop_invalid: bool = False,
    signature_now: Callable[[], str] | None = None,
    progress: Progress | None = None,
) -> PreparedDataset:
    """Prepare any source, or find it prepared.

    Args:
        source: with the name and the image spec that are wanted.
        prepared_dir: where prepared data sets are kept.
        validation_fraction: of the images that are not for testing.
        drop_invalid: leave out what validation finds wrong, instead of refusing it.
        signature_now: of the source as it is after the images were read, if it may have changed.
        progress: told how many records are done, and of how many.

    Raises:
        InvalidDataError: if validation finds errors, and they are not dropped.
        DataError: if there is one class only, a split stays empty, the source changes meanwhile,
            or the disk is full.
    """
    if len(source.classes) < 2:  # noqa: PLR2004 (said in the message)
        raise DataError(
            f"The data set {source.name} has one class only ({', '.join(source.classes)}): add"
            " images of a second one, since a model tells two or more apart."
        )
    # What is examined does not depend on what is dropped afterwards.
    whole, folder = (
        _folder(source, prepared_dir, validation_fraction, drop=drop)
        for drop in (False, drop_invalid)
    )
    if not folder.exists():
        with kept_draft_of(whole) as draft:
            if not folder.exists():  # else made by the process that held the lock
                ledger = ledger_file(prepared_dir, source.name)
                chooser = Chooser.of(source, validation_fraction, read_ledger(ledger))
                if source.base is not None:
                    _begin_with(source.base, prepared_dir, validation_fraction, draft)
                with Unfinished(draft, source.spec) as unfinished:
                    if _examine_rest(source, unfinished, chooser, progress) and signature_now:
                        _check_unchanged(source, signature_now)
                    contents = _checked(
                        source, unfinished.table(), ledger, validation_fraction, drop=drop_invalid
                    )
                    final = draft / _FINAL
                    remove_draft(final)
                    final.mkdir()
                    write_dataset(contents, unfinished.pixels, final)
                put_in_place(final, folder)
                logger.info("prepared %s", folder)
            remove_draft(draft)
    return PreparedDataset.open(folder)


def examine_source(
    source: LabelledSource, *, validation_fraction: float, progress: Progress | None = None
) -> pa.Table:
    """Examine all records of a source, keeping no pixels.

    Args:
        source: with the name and the image spec that are wanted.
        validation_fraction: of the images that are not for testing.
        progress: told how many records are done, and of how many.

    Returns:
        A row for each record, as `examination.EXAMINED` says.
    """
    tables, done = [EXAMINED.empty_table()], 0
    if progress:
        progress(0, source.count)
    with closing(examine_all(source.records(), source.spec)) as batches:
        for batch in batches:
            tables.append(pa.Table.from_pylist(batch.facts, schema=EXAMINED))
            done += len(batch.facts)
            if progress:
                progress(done, source.count)
    table = pa.concat_tables(tables)
    used = table["problem"].is_null().to_numpy()
    return with_splits(table, divide(table, used, validation_fraction, {}).splits)


def _examine_rest(
    source: LabelledSource, unfinished: Unfinished, chooser: Chooser, progress: Progress | None
) -> bool:
    """Examine what is not done yet; whether there was any of it."""
    done, unread = unfinished.done, unfinished.unread()
    if done == source.count and not unread:
        return False
    if progress:
        progress(done, source.count)
    again = np.zeros(done, dtype=np.bool_)
    again[unread] = True
    with closing(examine_all(compress(source.records(), again), source.spec)) as batches:
        for batch in batches:
            rows, unread = unread[: len(batch.facts)], unread[len(batch.facts) :]
            unfinished.add(rows, chooser.choose_all(batch.facts), batch.pixels)
    with closing(examine_all(islice(source.records(), done, None), source.spec)) as batches:
        for batch in batches:
            following = range(done, done + len(batch.facts))
            unfinished.add(following, chooser.choose_all(batch.facts), batch.pixels)
            done = following.stop
            if progress:
                progress(min(done, source.count), source.count)
    unfinished.record()
    if done != source.count:
        raise DataError(
            f"{source.name} gave {done:,} records instead of {source.count:,}: it changed while it"
            " was read. Let it rest and run the same command again."
        )
    return True


def _begin_with(
    base: LabelledSource, prepared_dir: Path, validation_fraction: float, draft: Path
) -> None:
    """Use again what was prepared of the source that this one begins with, if anything was."""
    for drop in (False, True):
        folder = _folder(base, prepared_dir, validation_fraction, drop=drop)
        if folder.exists():
            begin_with(PreparedDataset.open(folder), base, draft)
            return


def _check_unchanged(source: LabelledSource, signature_now: Callable[[], str]) -> None:
    try:
        changed = signature_now() != source.signature
    except DataError as error:
        raise DataError(f"{source.name} changed while it was prepared: {error}") from error
    if changed:
        raise DataError(
            f"{source.name} changed while it was prepared: leave its files as they are meanwhile,"
            " and run the same command again."
        )


def _checked(
    source: LabelledSource, table: pa.Table, ledger: Path, validation_fraction: float, *, drop: bool
) -> Contents:
    """What is written of the examined records, their splits chosen for ever."""
    if source.base is not None:
        table = as_in_base(table, source.base.count)
    used = table["problem"].is_null().to_numpy().copy()
    division = divide(table, used, validation_fraction, read_ledger(ledger))
    report = check(source, with_splits(table, division.splits).select(EXAMINED.names))
    if report.errors and not (drop and all(each.droppable for each in report.errors)):
        raise InvalidDataError(summary(report))
    for finding in report.errors:
        used[list(finding.dropped)] = False
    division = divide(table, used, validation_fraction, read_ledger(ledger))
    if division.choices:
        with ledger_lock(ledger):
            division = divide(table, used, validation_fraction, read_ledger(ledger))
            append_to_ledger(ledger, division.choices)
    return Contents(source, with_splits(table, division.splits), table["split"], report, drop)


def _check(config: DataConfig) -> None:
    """Refuse at once what would fail later, a name after the training at the latest."""
    check_fraction(config.validation_fraction)
    if config.name is not None:
        try:
            _NAME.validate_python(config.name)
        except ValidationError:
            raise ConfigError(
                f"data.name={config.name!r} is no name of a model: give at most 100 lower-case"
                " letters, digits, _ . and -, beginning with a letter or digit and ending with no"
                " dot, and none that Windows keeps for devices (con, nul, …)."
            ) from None
    if config.image_size is not None and not MIN_SIDE <= config.image_size <= MAX_SIDE:
        raise ConfigError(
            f"data.image_size={config.image_size}: give {MIN_SIDE} to {MAX_SIDE} pixels."
        )
    if config.channels not in {None, 1, 3}:
        raise ConfigError(f"data.channels={config.channels}: give 1 (grey) or 3 (colour).")


def _spec(config: DataConfig, own: ImageSpec) -> ImageSpec:
    return ImageSpec(
        height=config.image_size or own.height,
        width=config.image_size or own.width,
        channels=config.channels or own.channels,  # type: ignore[arg-type]  # checked before
    )


def _folder(
    source: LabelledSource, prepared_dir: Path, validation_fraction: float, *, drop: bool
) -> Path:
    """Of the prepared data set, named by everything that it follows from."""
    values = [SCHEMA_VERSION, source.signature, source.name, source.classes, asdict(source.spec)]
    values += [validation_fraction, drop]
    digest = hashlib.sha256(json.dumps(values).encode()).hexdigest()
    return prepared_dir / f"{source.name}-{digest[:12]}"
