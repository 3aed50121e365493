"""The page of the settings: every key that `train` and its siblings take, and their groups.

Knows nothing of flags, nor of the environment.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Final, get_type_hints

import yaml
from mlopsproj_train.config import EvaluateConfig, PredictConfig, SweepConfig, TrainConfig
from mlopsproj_train.optimizing.config import OptimizeConfig

from reference_pages.described import UndescribedError, attributes, described, summary, type_name
from reference_pages.markdown import code, sentence, table
from reference_pages.units import unit_of

SCHEMAS: Final[dict[str, type]] = {
    "train": TrainConfig,
    "evaluate": EvaluateConfig,
    "predict": PredictConfig,
    "optimize": OptimizeConfig,
    "sweep": SweepConfig,
}
_INTRODUCTION: Final = """\
# Settings

Every key of `train`, `evaluate`, `predict`, `optimize` and `sweep`, written as `key=value` behind
the command; [commands](../commands.md) says how they are used. `none` is written `null`:
`key=null` unsets a key. A list is written `'key=[1,2]'`. `COMMAND --help` shows the values that
count here.
"""
_GROUPS: Final = """\
## Groups

A group is a folder of `configs/` whose files set several keys at once: `trainer=cpu`.
"""


@dataclass(frozen=True)
class Key:
    """One key of a command.

    Attributes:
        name: as it is written, with dots.
        type: in Markdown.
        default: as it would be written.
        unit: of a number.
        meaning: one description.
    """

    name: str
    type: str
    default: str
    unit: str
    meaning: str


def keys(config: Any, prefix: str = "") -> Iterator[Key]:
    """Every key of a configuration, with its default.

    Args:
        config: an instance of a schema, whose values are the defaults.
        prefix: of the names.

    Raises:
        UndescribedError: if a key is not described in the docstring of its class, or is a number
            without a unit.
    """
    told, hints = attributes(type(config)), get_type_hints(type(config), include_extras=True)
    for item in fields(config):
        value, name = getattr(config, item.name), prefix + item.name
        meaning = described(told.get(item.name), f"{type(config).__name__}.{item.name}")
        if is_dataclass(value):
            yield from keys(value, f"{name}.")
        else:
            hint = hints[item.name]
            unit = unit_of(name, hint)
            yield Key(name, type_name(hint), written(value), unit, sentence(meaning))


def written(value: object) -> str:
    """A value as it is typed behind `key=`."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, (list, tuple)):
        return f"[{','.join(map(written, value))}]"
    return str(value)


def page(configs: Path) -> str:
    """The page.

    Args:
        configs: the folder of the values, a folder for each group.
    """
    sections = [_section(name, schema) for name, schema in SCHEMAS.items()]
    return "\n".join([_INTRODUCTION, *sections, _GROUPS, _groups(configs)])


def _section(command: str, schema: type) -> str:
    config, trained = schema(), TrainConfig()
    shared = [
        item.name
        for item in fields(schema)
        if command != "train"
        and is_dataclass(part := getattr(config, item.name))
        and part == getattr(trained, item.name, None)
    ]
    rows = [
        (code(key.name), key.type, code(key.default), key.unit, key.meaning)
        for key in keys(config)
        if key.name.partition(".")[0] not in shared
    ]
    parts = [f"## {command}\n", f"{summary(schema)}\n"]
    parts.append(table(("key", "type", "default", "unit", "meaning"), rows))
    if shared:
        names = ", ".join(f"`{name}.…`" for name in shared)
        parts.append(f"Beside these: {names}, as of [train](#train).\n")
    return "\n".join(parts)


def _groups(configs: Path) -> str:
    rows = []
    for file in sorted(configs.glob("*/*.yaml")):
        text = file.read_text(encoding="utf-8")
        comments = [line[1:].strip() for line in text.splitlines() if line.startswith("#")]
        about = " ".join(line for line in comments if not line.startswith("@package"))
        name = f"{file.parent.name}={file.stem}"
        prefix = "" if "@package _global_" in text else f"{file.parent.name}."
        values = ", ".join(code(line) for line in _lines(yaml.safe_load(text), prefix))
        if not values:
            raise UndescribedError(f"configs/{name} sets nothing.")
        rows.append((code(name), values, sentence(described(about, f"configs/{name}"))))
    return table(("group", "sets", "what that is"), rows)


def _lines(values: Any, prefix: str = "") -> Iterator[str]:
    for key, value in values.items():
        if key == "defaults":
            yield from (
                f"{group.removeprefix('override /')}={choice}"
                for entry in value
                for group, choice in entry.items()
            )
        elif isinstance(value, dict) and not {"low", "choices"} & value.keys():
            yield from _lines(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}={_flow(value)}"


def _flow(value: Any) -> str:
    if isinstance(value, (list, dict)):
        return yaml.safe_dump(value, default_flow_style=True, width=1000, sort_keys=False).strip()
    return written(value)
