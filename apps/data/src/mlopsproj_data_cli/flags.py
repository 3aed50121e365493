"""The settings of a data set as one path and flags: `data.label_column=x` is `--label-column x`.

Knows nothing of what a command does with them.
"""

import functools
import inspect
import re
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import Annotated, Any, Final, get_type_hints

import typer
from mlopsproj_core.errors import MlopsprojError
from mlopsproj_data.config import DataConfig, pinned

FLAGS: Final = {
    "source": "What PATH holds; recognised unless given.",
    "labels": "Table of paths and labels, where it is not found in the folder itself.",
    "path_column": "Of the table; recognised by its name unless given.",
    "label_column": "Of the table; recognised by its name unless given.",
    "split_column": "Of the table; recognised by its name unless given.",
    "group": "Column, or pattern over file names, of what must not be divided between splits.",
    "add": "What is joined to the images: feedback, that is predictions which people confirmed.",
    "feedback_model": "Whose predictions; the one named like the data set, or the only one.",
    "feedback_until": "Only labels told before this time (ISO 8601) count.",
    "new_classes": "Make classes of labels that the source has no class for.",
    "name": "Of the data set, and so of the model; the source's own unless given.",
    "image_size": "Side of the square of each image, in pixels; the source's own unless given.",
    "channels": "1 (grey) or 3 (colour); the source's own unless given.",
    "validation_fraction": "Of the training images, chosen by a hash of each.",
    "drop_invalid": "Leave out what validation finds wrong, instead of refusing it.",
    "prepared_dir": "Where prepared data sets are kept.",
}
"""Help of each setting that a flag gives."""

# Neither a part of a path, nor the beginning of a file's name.
_SETTING = re.compile(r"(?<![\w./-])data\.(\w+)(?:=true\b|=\[(\w+)\])?(?!\.\w)")
_PATH = re.compile(r"(?<![\w./-])data\.path\b(=)?(?!\.\w)")

Command = Callable[..., None]


def takes_data(*, drop_invalid: bool) -> Callable[[Command], Command]:
    """Give a command the argument PATH and the flags, put together as its first parameter.

    Errors speak of flags then, not of settings.

    Args:
        drop_invalid: whether the command has `--drop-invalid`.
    """
    names = [name for name in FLAGS if drop_invalid or name != "drop_invalid"]

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def run(path: str | None = None, **arguments: Any) -> None:
            settings = {name: arguments.pop(name) for name in names}
            try:
                config = DataConfig(path=path, **settings)
                command(pinned(config, datetime.now(UTC)), **arguments)
            except MlopsprojError as error:
                raise type(error)(as_flags(str(error), names)) from error

        _, *own = inspect.signature(command).parameters.values()
        parameters = [_PATH_PARAMETER, *map(_parameter, names), *own]
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # typer reads it
        run.__annotations__ = {item.name: item.annotation for item in parameters}
        return run

    return decorate


def as_flags(message: str, names: Collection[str]) -> str:
    """A message that names settings, for somebody who types flags.

    Args:
        message: of an error.
        names: settings that have a flag; others are left as they are.
    """

    def as_flag(setting: re.Match[str]) -> str:
        if setting[1] not in names:
            return setting[0]
        return f"{_flag(setting[1])} {setting[2]}" if setting[2] else _flag(setting[1])

    message = _SETTING.sub(as_flag, message)
    return _PATH.sub(lambda found: "" if found[1] else "PATH", message)


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


_PATH_PARAMETER: Final = inspect.Parameter(
    "path",
    inspect.Parameter.KEYWORD_ONLY,
    default=None,
    annotation=Annotated[
        str | None,
        typer.Argument(help="Folder, archive, table or its URL; the embedded sample unless given."),
    ],
)


def _parameter(name: str) -> inspect.Parameter:
    option = typer.Option(_flag(name), help=FLAGS[name], show_default=name != "source")
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=getattr(DataConfig(), name),
        annotation=Annotated[get_type_hints(DataConfig)[name], option],
    )
