"""What Hydra and OmegaConf say of settings that they cannot compose, in the words of this project.

They tell it in several lines, with their own types and links, and advise what does not help here.
Knows nothing of what a setting means.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from typing import Any

from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from mlopsproj_core.errors import ConfigError
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

_FULL_ERROR = "HYDRA_FULL_ERROR"
_UNKNOWN = re.compile(r"^Key '(?P<key>[^']*)' (not in|is not in) ", re.MULTILINE)
_FULL_KEY = re.compile(r"^\s*full_key: (?P<key>\S+)", re.MULTILINE)
_MERGED = re.compile(r"Error merging override (?P<setting>.*)", re.DOTALL)
_REFUSED = re.compile(r"Could not override '(?P<key>.*)'\.")
_TYPES_OR_LINK = re.compile(r"\s*(full_key:|object_type=|reference_type=|See https?:)")


@contextmanager
def composition(command: str) -> Iterator[None]:
    """Turn what cannot be composed in the block into one clear error.

    Args:
        command: whose `--help` shows the settings that there are.

    Raises:
        ConfigError: naming the setting, its value and how to mend it.
    """
    before = os.environ.get(_FULL_ERROR)
    os.environ[_FULL_ERROR] = "1"  # or Hydra would print the error and end the process itself
    try:
        yield
    except Exception as error:
        if not isinstance(error, (HydraException, OmegaConfBaseException, ValueError)) and (
            not type(error).__module__.startswith("yaml.")  # of a library of theirs, not of ours
        ):
            raise
        raise ConfigError(_explained(error, command)) from error
    finally:
        if before is None:
            del os.environ[_FULL_ERROR]
        else:
            os.environ[_FULL_ERROR] = before


def to_schema(values: DictConfig, command: str) -> Any:
    """The typed, frozen object that the composed values are for.

    Raises:
        ConfigError: if they hold a key that the schema has not (`+key=value` adds one), or a value
            that refers to nothing.
    """
    unknown = next(_unknown_keys(values, ""), None)
    if unknown is not None:
        raise ConfigError(_no_such_key(unknown, values, command))
    with composition(command):
        return OmegaConf.to_object(values)


def _unknown_keys(values: DictConfig, prefix: str) -> Iterator[str]:
    known = _names(values)
    if known is None:
        return  # its keys are the user's
    for key in map(str, values):
        if key not in known:
            yield f"{prefix}{key}"
        elif isinstance(child := values._get_node(key), DictConfig):  # noqa: SLF001 (the node itself; its value may refer to nothing)
            yield from _unknown_keys(child, f"{prefix}{key}.")


def _names(node: object) -> list[str] | None:
    """Settings that a part of a configuration has by its schema; None if it has no schema."""
    schema = OmegaConf.get_type(node) if isinstance(node, DictConfig) else None
    return [field.name for field in fields(schema)] if is_dataclass(schema) else None


def _explained(error: Exception, command: str) -> str:
    text, cause = str(error), error.__cause__
    if isinstance(error, MissingConfigException) and error.missing_cfg_file and error.options:
        group, _, value = error.missing_cfg_file.rpartition("/")
        return (
            f"{group}={value}: there is no {error.missing_cfg_file}.yaml in the configuration"
            f" folder; give {_either(error.options)}."
        )
    if match := _REFUSED.match(text):
        return _no_such_key(match["key"], _values(error), command)
    if match := _UNKNOWN.search(text):  # in a file
        key = _FULL_KEY.search(text)
        unknown = key["key"] if key else match["key"]
        return _no_such_key(unknown, _values(error), command)
    if isinstance(error, OverrideParseException):
        return f"{error.override}: {_sentence(error.message)}; see `{command} --help`."
    if (match := _MERGED.fullmatch(text)) and cause is not None:
        return f"{match['setting']}: {_sentence(str(cause))}; see `{command} --help`."
    return f"{_sentence(text)}; see `{command} --help`."


def _values(error: BaseException | None) -> DictConfig | None:
    """The configuration in which OmegaConf missed a key, if it is told."""
    while error is not None and getattr(error, "parent_node", None) is None:
        error = error.__cause__ or error.__context__
    node = getattr(error, "parent_node", None)
    root = None if node is None else node._get_root()  # noqa: SLF001 (the one way up)
    return root if isinstance(root, DictConfig) else None


def _no_such_key(key: str, values: DictConfig | None, command: str) -> str:
    meant = _closest(key, values)
    question = f" (is {meant} meant?)" if meant else ""
    return (
        f"{key}: there is no such setting{question}; `{command} --help` shows those that there are."
    )


def _closest(key: str, values: DictConfig | None) -> str | None:
    """The setting whose every part is like that of `key`; None if there is none."""
    node: Any = values
    found = []
    for part in key.split("."):
        close = get_close_matches(part, _names(node) or (), n=1)
        if not close:
            return None
        found += close
        node = node._get_node(close[0])  # noqa: SLF001 (the node itself; its value may be missing)
    return ".".join(found)


def _either(options: Any) -> str:
    *others, last = options
    return f"{', '.join(others)} or {last}" if others else str(last)


def _sentence(text: str) -> str:
    """In one line, without types, links and where Hydra looked."""
    text = text.partition("Config search path:")[0]
    lines = [line.strip() for line in text.splitlines() if not _TYPES_OR_LINK.match(line)]
    return " ".join(filter(None, lines)).rstrip(".")
