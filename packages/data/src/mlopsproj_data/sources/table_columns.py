"""Which columns of a table hold the path, the label, the split and the group of an image.

Knows nothing of rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from mlopsproj_core.errors import ConfigError, DataError

from mlopsproj_data.config import DataConfig
from mlopsproj_data.sources.printing import listed
from mlopsproj_data.sources.split_names import split_of
from mlopsproj_data.sources.table_files import TableFile

# In lower case, without what stands between words.
_PATHS: Final = frozenset(
    {
        "path",
        "paths",
        "file",
        "files",
        "filename",
        "filenames",
        "filepath",
        "image",
        "images",
        "imagepath",
        "imagefile",
        "imagename",
        "imagefilename",
        "img",
        "imgpath",
        "imgname",
        "imgfile",
        "photo",
        "picture",
        "url",
        "imageurl",
        "uri",
        "imageuri",
        "relativepath",
    }
)
_IDS: Final = frozenset({"id", "imageid", "imgid"})
"""Taken for paths where no column has the name of one."""

_LABELS: Final = frozenset(
    {
        "label",
        "labels",
        "labelname",
        "class",
        "classes",
        "classname",
        "classlabel",
        "classid",
        "category",
        "categories",
        "categoryname",
        "target",
        "targets",
        "y",
        "tag",
    }
)
_SPLITS: Final = frozenset({"split", "splits", "datasplit"})
_PERHAPS_SPLITS: Final = frozenset({"subset", "set", "partition"})
"""Taken for splits if a value is one."""

_GROUPS: Final = frozenset({"group", "groups", "groupid", "groupname"})

_SETTINGS: Final = {
    "path": "data.path_column",
    "label": "data.label_column",
    "split": "data.split_column",
    "group": "data.group",
}


@dataclass(frozen=True)
class Columns:
    """Names of the columns that count.

    Attributes:
        path: of the image files or their URLs.
        label: of the classes.
        split: of train, validation and test, if there is one.
        group: of what must not be divided between splits, if there is one.
    """

    path: str
    label: str
    split: str | None
    group: str | None

    def __str__(self) -> str:
        told = {"path": self.path, "label": self.label, "split": self.split, "group": self.group}
        return ", ".join(f"{role}: {name}" for role, name in told.items() if name is not None)


def may_hold_labels(table: TableFile, config: DataConfig) -> bool:
    """Whether there are columns that may be paths and labels, one or several of each."""
    named = {config.path_column, config.label_column, config.split_column} - {None}
    return named <= set(table.columns) and bool(_paths(table, config) and _labels(table, config))


def choose_columns(table: TableFile, config: DataConfig) -> Columns:
    """The columns that the settings name, or that are known by their names.

    Raises:
        ConfigError: if a setting names no column.
        DataError: if a column is lacking, or several could be meant.
    """
    path = _only("path", _paths(table, config), table)
    label = _only("label", [name for name in _labels(table, config) if name != path], table)
    split = _splits(table, config)
    group: list[str] = []
    if config.group is None:
        group = _known(table, _GROUPS)
    elif config.group in table.columns:
        group = [config.group]
    return Columns(
        path,
        label,
        _only("split", split, table) if split else None,
        _only("group", group, table) if group else None,
    )


def _paths(table: TableFile, config: DataConfig) -> list[str]:
    return (
        _named(table, "path", config.path_column)
        or list(table.image_columns)
        or _known(table, _PATHS)
        or _known(table, _IDS)
    )


def _labels(table: TableFile, config: DataConfig) -> list[str]:
    named = _named(table, "label", config.label_column)
    if named or not table.image_columns:
        return named or _known(table, _LABELS)
    return [name for name in table.columns if name not in table.image_columns]


def _splits(table: TableFile, config: DataConfig) -> list[str]:
    sure = _named(table, "split", config.split_column) or _known(table, _SPLITS)
    return sure or [
        name
        for name in _known(table, _PERHAPS_SPLITS)
        if any(row.cells and split_of(row.cells[0]) for row in table.rows((name,)))
    ]


def _named(table: TableFile, role: str, name: str | None) -> list[str]:
    if name is None:
        return []
    if name not in table.columns:
        raise ConfigError(
            f"{_SETTINGS[role]}={name} is no column of {table.path.name}, which has"
            f" {listed(list(table.columns), 20) or 'none'}: name one of them."
        )
    return [name]


def _known(table: TableFile, names: frozenset[str]) -> list[str]:
    return [
        name
        for name in table.columns
        if "".join(letter for letter in name.lower() if letter.isalnum()) in names
    ]


def _only(role: str, names: Sequence[str], table: TableFile) -> str:
    if not names:
        raise DataError(
            f"{table.path} has no column that is known as the {role}; it has"
            f" {listed(list(table.columns), 20) or 'none'}: name it by {_SETTINGS[role]}=NAME."
        )
    if len(set(names)) > 1:
        raise DataError(
            f"{table.path} has several columns that could be the {role} ({listed(list(names))}):"
            f" name one by {_SETTINGS[role]}={names[0]}."
        )
    return _once(names[0], table)


def _once(name: str, table: TableFile) -> str:
    if table.columns.count(name) > 1:
        raise DataError(
            f"{table.path} has {table.columns.count(name)} columns of the name {name}: rename all"
            " but one."
        )
    return name
