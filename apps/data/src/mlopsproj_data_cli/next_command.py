"""What a user would type next, with the same settings.

Knows nothing of what was done before.
"""

import re
import shlex
from dataclasses import fields
from enum import Enum

from mlopsproj_data.config import DataConfig

_PLAIN = re.compile(r"[A-Za-z_./][\w./:@-]*", re.ASCII)
_CONSTANTS = frozenset({"null", "true", "false", "nan", "inf"})


def train_command(config: DataConfig) -> str:
    """`uv run train` on the data set that a configuration names."""
    default = DataConfig()
    values = {item.name: getattr(config, item.name) for item in fields(config)}
    settings = [
        shlex.quote(f"data.{name}={_as_hydra_reads(value)}")
        for name, value in values.items()
        if value != getattr(default, name)
    ]
    return " ".join(["uv run train", *settings])


def _as_hydra_reads(value: object) -> str:
    if isinstance(value, list):
        return f"[{','.join(map(_as_hydra_reads, value))}]"
    if isinstance(value, Enum):
        return str(value.value)
    if not isinstance(value, str):
        return str(value).lower()  # a number, or true
    if _PLAIN.fullmatch(value) and value.lower() not in _CONSTANTS:
        return value
    # OmegaConf would fill in `${…}`; a backslash counts before a quote or at the end only.
    text = re.sub(r"(\\*)\$\{", lambda found: found[1] * 2 + r"\${", value)
    text = re.sub(r"(\\*)('|\Z)", lambda found: found[1] * 2 + found[2].replace("'", r"\'"), text)
    return f"'{text}'"
