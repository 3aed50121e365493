"""What the code says of its own parts: descriptions of attributes, names of types.

Knows nothing of pages.
"""

import inspect
import re
from collections.abc import Iterable
from datetime import datetime
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

_ATTRIBUTES = re.compile(r"^Attributes:\n(?P<block>(?: {4}.*\n?|\n)*)", re.MULTILINE)
_ATTRIBUTE = re.compile(r"^ {4}(?P<name>\w+): (?P<text>.*(?:\n {5,}.*)*)", re.MULTILINE)

_NAMES: Final[dict[Any, str]] = {
    bool: "true or false",
    datetime: "time",
    dict: "mapping",
    float: "number",
    int: "whole number",
    Path: "path",
    str: "text",
}


class UndescribedError(Exception):
    """Something that a user can set, call or meet has no description in the code."""


def attributes(kind: type) -> dict[str, str]:
    """Description of each attribute in the docstrings of a class and of those it extends."""
    told: dict[str, str] = {}
    for each in reversed(kind.__mro__):
        text = inspect.cleandoc(each.__dict__.get("__doc__") or "")
        if found := _ATTRIBUTES.search(text):
            for item in _ATTRIBUTE.finditer(found["block"]):
                told[item["name"]] = " ".join(item["text"].split())
    return told


def summary(thing: object) -> str:
    """The docstring of a thing less its sections: the first line, and paragraphs of prose.

    Raises:
        UndescribedError: if it has none.
    """
    text = inspect.cleandoc(getattr(thing, "__doc__", None) or "")
    prose = re.split(r"^(?:Args|Attributes|Raises|Returns|Yields):$", text, flags=re.MULTILINE)[0]
    return described(prose.strip(), str(getattr(thing, "__qualname__", thing)))


def described(text: str | None, name: str) -> str:
    """A description that is there.

    Raises:
        UndescribedError: naming what lacks one.
    """
    if not text or not text.strip():
        raise UndescribedError(f"{name} has no description in the code: give it one.")
    return text.strip()


def type_name(annotation: Any) -> str:
    """A type as somebody reads it who writes values, in Markdown: `auto`, `cpu` or `gpu`."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return type_name(parts[0])
    if origin in (Union, UnionType):
        names = [type_name(part) for part in parts if part is not NoneType]
        return " or ".join([*names, *(["none"] if NoneType in parts else [])])
    if origin in (tuple, list):
        name = type_name(parts[0])
        return f"list of {name}s" if name.endswith("number") else f"list of {name}"
    if origin is Literal:
        return _choice(parts)
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return _choice([member.value for member in annotation])
    return _NAMES[origin or annotation]


def _choice(values: Iterable[object]) -> str:
    return ", ".join(f"`{value}`" for value in values)
