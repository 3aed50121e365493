"""The page of commands: every command, its subcommands, what they take and their flags.

Knows nothing of what a command does; settings written as `key=value` have a page of their own.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

import typer
from mlopsproj_api.cli import app as api
from mlopsproj_data_cli.cli import app as data
from mlopsproj_doctor.cli import app as doctor
from mlopsproj_monitor.cli import app as monitor
from mlopsproj_registry.cli import app as registry
from typer.main import get_command

from reference_pages.described import described, summary, type_name
from reference_pages.markdown import code, table
from reference_pages.settings import SCHEMAS

APPS: Final[dict[str, typer.Typer]] = {
    "api": api,
    "data": data,
    "doctor": doctor,
    "monitor": monitor,
    "registry": registry,
}
_INTRODUCTION: Final = """\
# Command line

Every command with what it takes and its flags, as `--help` tells them; [commands](../commands.md)
shows them at work. How each ends stands in the [contracts](../contracts.md#commands). All of them
take `--help`.
"""
_WITH_KEYS: Final = """\
## Commands that take settings

These take no flags of their own but settings as `key=value`. `--cfg job` shows the settings that
count, `--info defaults` where they come from; `train -m` runs once for each value. `predict`
takes the file or folder alone, too.
"""


@dataclass(frozen=True)
class Command:
    """A command or a subcommand.

    Attributes:
        name: all that is typed before its arguments.
        text: its help.
        parameters: what it takes.
    """

    name: str
    text: str
    parameters: tuple[Any, ...]


def commands(app: typer.Typer, name: str) -> Iterator[Command]:
    """An application and its subcommands, those of a group of them too.

    Raises:
        UndescribedError: if one has no help.
    """
    yield from _walk(get_command(app), name)


def _walk(command: Any, name: str) -> Iterator[Command]:
    text = described(command.help, name)
    parameters = tuple(item for item in command.params if item.name != "help")
    yield Command(name, text, parameters)
    for inner, subcommand in getattr(command, "commands", {}).items():
        yield from _walk(subcommand, f"{name} {inner}")


def page() -> str:
    """The page.

    Raises:
        UndescribedError: if a command or a flag has no help.
    """
    parts = [_INTRODUCTION]
    for name, app in APPS.items():
        parts += map(_section, commands(app, name))
    rows = [
        (code(name), summary(schema), f"[settings](settings.md#{name})")
        for name, schema in SCHEMAS.items()
    ]
    parts += [_WITH_KEYS, table(("command", "one run", "takes"), rows)]
    return "\n".join(parts)


def _section(command: Command) -> str:
    level = "##" if " " not in command.name else "###"
    text = "\n".join(
        f"Example: `{line.removeprefix('Example: ')}`" if line.startswith("Example: ") else line
        for line in command.text.splitlines()
    )
    parts = [f"{level} {command.name}\n", f"{text}\n"]
    if command.parameters:
        rows = [_row(command, item) for item in command.parameters]
        parts.append(table(("argument or flag", "type", "default", "meaning"), rows))
    return "\n".join(parts)


def _row(command: Command, item: Any) -> tuple[str, str, str, str]:
    is_flag = item.param_type_name == "option"
    names = [*item.opts, *item.secondary_opts] if is_flag else [item.name.upper()]
    meaning = described(item.help, f"{command.name} {names[0]}")
    annotation = item.type_descriptor.annotation
    kind = "switch" if getattr(item, "is_flag", False) else type_name(annotation)
    return (
        ", ".join(map(code, names)),
        kind.replace("list of ", "any number of "),
        _default(item),
        meaning,
    )


def _default(item: Any) -> str:
    if item.required:
        return "must be given"
    if not item.show_default:
        return "see there"
    value = item.default
    if getattr(item, "is_flag", False):
        return "on" if value else "off"
    if value in (None, "", [], ()):
        return "none"
    return code(value.value if isinstance(value, Enum) else value)
