"""Arguments as they are typed: options, a path that stands alone, and values as Hydra reads them.

Knows nothing of what the arguments mean.
"""

import re
from collections.abc import Collection, Sequence
from itertools import islice
from pathlib import Path

from mlopsproj_core.errors import ConfigError

_KEY = re.compile(r"[+~]{0,2}([A-Za-z_]\w*)(\.\w+)*", re.ASCII)
_PLAIN = re.compile(r"(?!\.\d)[A-Za-z_./][\w./:@-]*", re.ASCII)
# Options of Hydra that are followed by a value of their own.
_WITH_VALUE = frozenset(
    {"--cfg", "-c", "--package", "-p", "--info", "-i", "--experimental-rerun"}
    | {"--config-path", "-cp", "--config-name", "-cn", "--config-dir", "-cd"}
)


_LOCATIONS = frozenset(
    {"bundle", "data.labels", "data.path", "data.prepared_dir"}
    | {"out", "registry", "resume", "run_dir", "storage"}
)
"""Settings whose value is a file, a folder or an address."""


def split_options(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Part Hydra's options, with their values, from everything else.

    Hydra takes `-m a=1` and `a=1 -m`, but not `a=1 -m b=2`: options must stand before or behind
    all settings.
    """
    options: list[str] = []
    others: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        if argument == "--":
            others.extend([argument, *rest])
        elif argument.startswith("-"):
            options.append(argument)
            if argument in _WITH_VALUE:
                options.extend(islice(rest, 1))
        else:
            others.append(argument)
    return options, others


def take_path(arguments: Sequence[str], settings: Collection[str]) -> tuple[str | None, list[str]]:
    """Part the one path from the settings.

    An existing file is a path even if its name holds a `=`; what follows `--` is one always.

    Args:
        arguments: without options.
        settings: keys that are never part of a file's name.

    Returns:
        The path, if any, and the settings.

    Raises:
        ConfigError: if there are several paths.
    """
    end = arguments.index("--") if "--" in arguments else len(arguments)
    given = [text for text in arguments[:end] if _is_setting(text, settings)]
    paths = [text for text in arguments[:end] if not _is_setting(text, settings)]
    paths += arguments[end + 1 :]
    if len(paths) > 1:
        raise ConfigError(
            f"{', '.join(map(repr, paths))} are {len(paths)} paths: give one file, or the folder"
            " that holds them."
        )
    return (paths[0] if paths else None), given


def _is_setting(argument: str, settings: Collection[str]) -> bool:
    key, sign, _ = argument.partition("=")
    match = _KEY.fullmatch(key) if sign else None
    return match is not None and (match[1] in settings or not Path(argument).exists())


def quote_locations(arguments: Sequence[str]) -> list[str]:
    """Settings whose value is an existing path, or an address, so that Hydra reads it as it is.

    Blanks, brackets and commas in the name of a folder are no syntax.
    """
    return [_with_location_quoted(text) for text in arguments]


def _with_location_quoted(argument: str) -> str:
    key, _, value = argument.partition("=")
    if key not in _LOCATIONS or value[:1] in {"'", '"'}:
        return argument
    return f"{key}={quoted(value)}" if "://" in value or _exists(value) else argument


def _exists(path: str) -> bool:
    try:
        return path != "" and Path(path).expanduser().exists()
    except (OSError, ValueError, RuntimeError):  # a name that no file can have, or no such user
        return False


def as_value(value: object) -> str:
    """A value of a setting as Hydra reads it: what stands behind `key=`."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):  # also what an enumeration holds
        return quoted(str(value))
    if isinstance(value, Sequence):
        return f"[{','.join(map(as_value, value))}]"
    return repr(value)


def quoted(value: str) -> str:
    """`value` so that Hydra reads it as it is, in quotes where it needs them."""
    if _PLAIN.fullmatch(value) and value.lower() not in {"null", "true", "false", "nan", "inf"}:
        return value
    # OmegaConf would fill in `${…}`; a backslash counts before a quote or at the end only.
    text = re.sub(r"(\\*)\$\{", lambda found: found[1] * 2 + r"\${", value)
    text = re.sub(r"(\\*)('|\Z)", lambda found: found[1] * 2 + found[2].replace("'", r"\'"), text)
    return f"'{text}'"
