"""From a configuration to its source: what is named, or what is recognised.

Knows nothing of how files are found, read or prepared.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mlopsproj_core.errors import ConfigError, DataError

from mlopsproj_data.config import DataConfig, Source
from mlopsproj_data.records import LabelledSource
from mlopsproj_data.sources import downloads
from mlopsproj_data.sources.class_folders import ClassFolders, class_folders
from mlopsproj_data.sources.fashion_mnist import fashion_mnist_source, sample_source
from mlopsproj_data.sources.groups import group_by_pattern
from mlopsproj_data.sources.idx import find_idx_files, idx_source
from mlopsproj_data.sources.image_files import list_images
from mlopsproj_data.sources.labelled_files import LabelledFile, file_source, in_order
from mlopsproj_data.sources.labelled_tables import Place, read_labelled_table
from mlopsproj_data.sources.locations import FORMS, Location, existing, locate, tables_in, wrappers
from mlopsproj_data.sources.printing import listed, plural, printable
from mlopsproj_data.sources.solar_cells import MONO, POLY, solar_cells_source
from mlopsproj_data.sources.table_columns import choose_columns, may_hold_labels
from mlopsproj_data.sources.table_files import TableFile

if TYPE_CHECKING:
    from mlopsproj_data.labelling.log_location import LogLocation

_MANY_CLASSES: Final = 2

_OF_TABLES: Final = ("labels", "path_column", "label_column", "split_column")
"""Settings that are of no effect elsewhere, and so refused."""

_OF_FILES: Final = (*_OF_TABLES, "group")

_SOLAR_CELLS: Final = {
    Source.solar_cells: None,
    Source.solar_cells_mono: MONO,
    Source.solar_cells_poly: POLY,
}
"""Type of the modules."""


_OF_FEEDBACK: Final = ("feedback_model", "feedback_until")


def open_source(config: DataConfig, log: "LogLocation | None" = None) -> LabelledSource:
    """The source that a configuration names, or the one that its path is recognised as.

    Args:
        config: of the data.
        log: the prediction log, which is needed where confirmed predictions are asked for.

    Raises:
        ConfigError: if settings contradict each other or what was recognised.
        DataError: if it cannot be read, or not recognised.
        RecordsError: if the prediction log cannot be read.
    """
    alone = config.source is Source.feedback
    if not alone and not config.add:
        _refuse(config, _OF_FEEDBACK, "A data set without data.add=[feedback]")
    if config.new_classes and not config.add:
        raise ConfigError("data.new_classes=true is of effect with data.add=[feedback] only.")
    if not alone and not config.add:
        return _open_own(config)
    # Reads databases, which is slow to import and seldom needed.
    from mlopsproj_data.sources.feedback import feedback_source, read_feedback  # noqa: PLC0415
    from mlopsproj_data.sources.joined import with_feedback  # noqa: PLC0415

    if log is None:
        raise ConfigError("Confirmed predictions need a prediction log: give prepare its location.")
    folder = prepared_folder(config) / "feedback"
    if alone:
        _refuse(config, (*_OF_FILES, "path"), "data.source=feedback")
        if config.add:
            raise ConfigError("data.source=feedback holds what data.add=[feedback] adds: drop it.")
        return feedback_source(read_feedback(config, log, folder))
    base = _open_own(config)
    feedback = read_feedback(config, log, folder, model=config.name or base.name)
    return with_feedback(base, feedback, new_classes=config.new_classes)


def _open_own(config: DataConfig) -> LabelledSource:
    if config.path == "":
        raise ConfigError("data.path is empty: name a folder, a table or an archive.")
    # A path says more than the default that a configuration file names.
    source = config.source
    if source is Source.sample and config.path is not None:
        source = Source.auto
    elif source is Source.auto and config.path is None:
        source = Source.sample
    if source in {Source.sample, Source.fashion_mnist, Source.idx, *_SOLAR_CELLS}:
        _refuse(config, _OF_FILES, f"data.source={source}")
    if config.path is not None:
        return _open_path(config, config.path, source)
    if source in _SOLAR_CELLS:
        return solar_cells_source(_SOLAR_CELLS[source])
    match source:
        case Source.sample:
            return sample_source()
        case Source.fashion_mnist:
            return fashion_mnist_source(None, _downloads(config))
        case _:
            raise ConfigError(f"data.source={source} needs data.path=PATH, where the images are.")


def prepared_folder(config: DataConfig) -> Path:
    """Where prepared data sets are kept."""
    return Path(config.prepared_dir).expanduser()


def _downloads(config: DataConfig) -> Path:
    return prepared_folder(config) / "downloads"


def _open_path(config: DataConfig, path: str, source: Source) -> LabelledSource:
    if source in _SOLAR_CELLS:
        existing(path)
        raise ConfigError(f"data.source={source} takes no data.path: leave it out.")
    location = locate(path, prepared_folder(config))
    if location.table is not None:
        if source not in {Source.auto, Source.table}:
            raise ConfigError(
                f"data.path={path} is a table, which data.source={source} does not take: leave"
                " data.source out."
            )
        _refuse(config, ("labels",), f"data.path={path} is a table itself, and")
        called = downloads.file_name(location.url) if location.url else location.table.name
        return _open_table(config, location, location.table, called, location.folders)
    if source is Source.fashion_mnist:
        return fashion_mnist_source(location.folder, _downloads(config))
    if source is Source.idx or (source is Source.auto and find_idx_files(location.folder)):
        _refuse(config, _OF_FILES, f"data.path={path} holds IDX files, and")
        return idx_source(location.folder, name=location.name)
    if config.labels is not None:
        return _open_labels(config, location, config.labels, source)
    return _open_folder(config, location, source)


def _open_folder(config: DataConfig, location: Location, source: Source) -> LabelledSource:
    """A folder that holds class folders, or a table, but not both."""
    tables = [] if source is Source.folders else tables_in(location.folder)
    likely = [path for path in tables if _may_hold_labels(path, config)]
    if source is Source.table:
        if not tables:
            raise DataError(
                f"data.path={location.named} holds no table: name it by data.labels=FILE."
            )
        found = None
        likely = likely or tables
    else:
        folders = location.folders if likely else wrappers(location.folder, past_tables=True)
        found = class_folders(list_images(folders[-1]))
    if found and likely and len(found.classes) >= _MANY_CLASSES:
        raise DataError(
            f"data.path={location.named} holds {plural(len(found.classes), 'class folder')}"
            f" ({listed(found.classes)}) and the table {likely[0].name}: say which of them names"
            " the classes, by data.source=folders or data.source=table."
        )
    if len(likely) > 1:
        names = [printable(path.name) for path in likely]
        raise DataError(
            f"data.path={location.named} holds several tables ({listed(names)}): name one by"
            f" data.labels={names[0]}."
        )
    if likely:
        return _open_table(config, location, likely[0], likely[0].name, location.folders[::-1])
    if found:
        return _open_class_folders(config, location, found)
    if tables:
        choose_columns(TableFile(tables[0]), config)  # says what is lacking
    raise _no_classes(location)


def _may_hold_labels(path: Path, config: DataConfig) -> bool:
    try:
        return may_hold_labels(TableFile(path), config)
    except DataError:
        return False  # said if it is the only thing there


def _open_class_folders(
    config: DataConfig, location: Location, found: ClassFolders
) -> LabelledSource:
    _refuse(config, _OF_TABLES, f"data.path={location.named} holds class folders, and")
    files, issues = found.files, found.issues
    if config.group is not None:
        files, ungrouped = group_by_pattern(config.group, files)
        issues += ungrouped
    return file_source(
        files,
        name=location.name,
        classes=found.classes,
        description=_told(location, found.description),
        issues=issues,
    )


def _open_labels(
    config: DataConfig, location: Location, labels: str, source: Source
) -> LabelledSource:
    """A folder of images and the table that `data.labels` names."""
    if source is Source.folders:
        raise ConfigError("data.source=folders takes no data.labels: leave either out.")
    path, called = _labels_file(config, location, labels)
    bases = tuple(reversed(location.folders))
    within = path.parent.resolve().is_relative_to(location.folders[0].resolve())
    bases = (path.parent, *bases) if within else (*bases, path.parent)
    return _open_table(config, location, path, called, bases)


def _labels_file(config: DataConfig, location: Location, labels: str) -> tuple[Path, str]:
    """The table that `data.labels` names, from here or from the folder on, and its name."""
    if downloads.is_url(labels):
        return downloads.fetch(labels, _downloads(config)), downloads.file_name(labels)
    for base in (Path(), *reversed(location.folders)):
        path = base / os.path.expanduser(labels)  # noqa: PTH111 (never raises)
        if os.path.isfile(path):  # noqa: PTH113 (never raises)
            return path, path.name
    raise DataError(
        f"data.labels={labels} is no file, neither here nor in {location.folder}: name a table."
    )


def _open_table(
    config: DataConfig, location: Location, path: Path, called: str, bases: tuple[Path, ...]
) -> LabelledSource:
    """A table whose paths are relative to the first of the bases that has them."""
    table = TableFile(path)
    columns = choose_columns(table, config)
    place = Place(location.folders[0], bases, location.url, _downloads(config))
    by_column = config.group is not None and columns.group is not None
    found, issues = read_labelled_table(table, columns, place, group_needed=by_column)
    files: tuple[LabelledFile, ...] = tuple(found)
    if config.group is not None and not by_column:
        files, ungrouped = group_by_pattern(config.group, files, table.columns)
        issues.extend(ungrouped)
    classes = in_order({file.label for file in files})
    return file_source(
        files,
        name=location.name,
        classes=classes,
        description=_told(
            location,
            f"table {printable(called)} ({columns}): {plural(len(files), 'image')} in"
            f" {plural(len(classes), 'class', 'classes')}",
        ),
        issues=issues,
    )


def _told(location: Location, description: str) -> str:
    return f"{location.archive}: {description}" if location.archive else description


def _refuse(config: DataConfig, settings: tuple[str, ...], told: str) -> None:
    """What would be of no effect is refused."""
    for name in settings:
        if getattr(config, name) is not None:
            raise ConfigError(f"{told} takes no data.{name}: leave it out.")


def _no_classes(location: Location) -> DataError:
    count = len(list_images(location.folder).files)
    if count:
        return DataError(
            f"data.path={location.named} holds {plural(count, 'image')}, but nothing names their"
            " classes: put those of each class into a folder of its own, or name a table of paths"
            " and labels by data.labels=FILE."
        )
    return DataError(f"data.path={location.named} holds no image: name {FORMS}.")
