"""A version of a model: how it is called, and where it lies in a registry.

Knows nothing of what is in the registry.
"""

from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError

from mlopsproj_core.errors import NotFoundError
from mlopsproj_core.manifest import Name

_NAME = TypeAdapter(Name)


@dataclass(frozen=True, order=True, slots=True)
class ModelVersion:
    """One version of a model, written `name:number`."""

    name: str
    number: int

    def __str__(self) -> str:
        return f"{self.name}:{self.number}"

    @property
    def folder(self) -> str:
        """Where its files lie, relative to the registry.

        Raises:
            NotFoundError: if its name cannot be one.
        """
        return f"{checked_name(self.name)}/versions/{self.number}"


def is_name(name: str) -> bool:
    """Whether a model or an alias may be called so."""
    try:
        _NAME.validate_python(name)
    except ValidationError:
        return False
    return True


def checked_name(name: str) -> str:
    """A name of a model or alias, which is a part of a path.

    Raises:
        NotFoundError: if it is none.
    """
    if not is_name(name):
        raise NotFoundError(
            f"{name!r} is no name of a model or alias: lower-case letters, digits, _ . and - are."
        )
    return name
