"""The unit of a number that a user sets: told beside its type, or by its name.

Knows nothing of pages.
"""

from types import UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin

from reference_pages.described import UndescribedError

NAMES: Final = frozenset(
    {
        *("seconds", "hours", "days"),
        *("bytes", "pixels", "channels", "blocks", "operations"),
        *("images", "epochs", "rounds", "trials", "threads"),
        *("fraction", "ratio", "share"),
    }
)
"""Units that a name tells by its last word, as `max_epochs` does."""


def unit_of(name: str, annotation: Any) -> str:
    """The unit of a setting; empty where it is no number.

    It is the text of `Annotated[int, "pixels"]`, else the last word of the name, or three of them
    as in `requests_per_minute`. What counts and measures nothing says `"no unit"`.

    Args:
        name: with dots and underscores, in small letters.
        annotation: with what `Annotated` tells.

    Raises:
        UndescribedError: if it is a number and nothing tells its unit.
    """
    if not _is_number(annotation):
        return ""
    if told := _told(annotation):
        return told
    words = name.rpartition(".")[2].split("_")
    if words[-2:-1] == ["per"]:
        return " ".join(words[-3:])
    if words[-1] in NAMES:
        return words[-1]
    raise UndescribedError(
        f'{name} is a number without a unit: annotate it, e.g. Annotated[int, "pixels"], or'
        ' "no unit"; or let its name end with its unit.'
    )


def _is_number(annotation: Any) -> bool:
    return annotation in (int, float) or any(map(_is_number, _parts(annotation)))


def _told(annotation: Any) -> str:
    if get_origin(annotation) is Annotated:
        for item in annotation.__metadata__:
            if isinstance(item, str):
                return item
    return next(filter(None, map(_told, _parts(annotation))), "")


def _parts(annotation: Any) -> tuple[Any, ...]:
    """What a value may consist of: types of a union, of the items of a list."""
    if get_origin(annotation) is Annotated:
        return (annotation.__origin__,)
    is_nested = get_origin(annotation) in (Union, UnionType, tuple, list)
    return get_args(annotation) if is_nested else ()
