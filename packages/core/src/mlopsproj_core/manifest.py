"""`manifest.json`: what a bundle says of itself, and the schema that its readers accept.

Knows nothing of where the bundle lies or of what its files hold.
"""

import json
from datetime import datetime
from pathlib import PurePosixPath
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    StringConstraints,
    ValidationError,
)

from mlopsproj_core.errors import BundleCorruptError, BundleSchemaError, ImageError
from mlopsproj_core.image import ImageSpec
from mlopsproj_core.printing import is_printable

SCHEMA: Final = 1
"""Written by this release; readers accept it and the one before."""

MANIFEST: Final = "manifest.json"

_DEVICES: Final = frozenset(
    {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))}
)

_TOLD = 3
"""How many complaints one error tells: a file of something else would have one for each key."""


def _inside(path: str) -> str:
    """Refuse a path that leaves the bundle on any system: a manifest may come from a stranger."""
    pure = PurePosixPath(path)
    plain = pure.parts and not pure.is_absolute() and ".." not in pure.parts
    # A colon names a drive, or a second stream of a file, on Windows.
    if not plain or str(pure) != path or any(character in path for character in "\\:\0"):
        raise ValueError(f"{path!r} is no path inside the bundle")
    if path == MANIFEST:
        raise ValueError(f"{path!r} cannot hold its own sha256")
    return path


def _in_one_line(text: str) -> str:
    """Refuse what would give orders to a terminal, or write lines of its own into a log."""
    if not is_printable(text):
        raise ValueError("holds control characters or a line's end")
    return text


def _distinct(names: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse two classes of one name, which no prediction could tell apart."""
    if len(set(names)) != len(names):
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)!r} stands twice")
    return names


def is_device(name: str) -> bool:
    """Whether Windows keeps a name, whatever its ending, for a device: no file can have it."""
    return name.partition(".")[0].rstrip(" ").lower() in _DEVICES


def _possible(name: str) -> str:
    """Refuse a name that no folder can have on Windows, where a registry may be copied to."""
    if is_device(name) or name.endswith("."):
        raise ValueError(f"no folder can be called {name!r} on Windows")
    return name


Name = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.-]{0,99}$"),
    AfterValidator(_possible),
]
"""A model's name: lower case, digits, `_`, `.` and `-`, at most 100 characters."""

Line = Annotated[str, AfterValidator(_in_one_line)]
FileName = Annotated[str, AfterValidator(_inside), AfterValidator(_in_one_line)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)


class Metric(_Record):
    """A figure with its 95 % interval. One that is no number is left out: JSON has no NaN."""

    value: FiniteFloat
    low: FiniteFloat
    high: FiniteFloat


class DataSummary(_Record):
    """The prepared data set that a model was trained and tested on.

    Attributes:
        name: of the data set.
        fingerprint: of its images, labels, splits and image spec.
        counts: images per split.
    """

    name: Line
    fingerprint: Line
    counts: dict[Line, int]


class Parity(_Record):
    """How the graph was held against what it was made from.

    Attributes:
        reference: "torch", or the parent as `name:version`.
        images: how many were compared.
        disagreements: images whose class differs although the two largest probabilities do not
            tie.
        max_difference: largest absolute difference of a probability.
    """

    reference: Line
    images: int
    disagreements: int
    max_difference: float


class Manifest(_Record):
    """What a bundle says of itself.

    Attributes:
        schema_version: `schema` in the file.
        name: of the model.
        classes: names of the K classes, in the order of the probabilities.
        image: the pixels that the graph takes.
        metrics: on the test set.
        data: what it was trained and tested on.
        parity: held against the network or the parent.
        parent: `name:version` that it was made from, if any.
        config: of the run.
        git_commit: of the code, if known.
        packages: versions of the distributions that made it.
        created: UTC.
        files: sha256 of every other file, by path inside the bundle.
    """

    schema_version: Literal[1] = Field(default=SCHEMA, alias="schema")
    name: Name
    classes: Annotated[tuple[Line, ...], Field(min_length=2), AfterValidator(_distinct)]
    image: ImageSpec
    metrics: dict[Line, Metric]
    data: DataSummary
    parity: Parity | None = None
    parent: Line | None = None
    config: dict[str, Any] = {}
    git_commit: Line | None = None
    packages: dict[Line, Line] = {}
    created: datetime
    files: dict[FileName, Sha256]

    def to_json(self) -> str:
        """The text of `manifest.json`."""
        return self.model_dump_json(by_alias=True, indent=2) + "\n"


def parse_manifest(text: str | bytes, where: str) -> Manifest:
    """Read the text of a `manifest.json`.

    Args:
        text: the file's content.
        where: named in the errors.

    Raises:
        BundleSchemaError: if another release must be used to read it.
        BundleCorruptError: if it is no manifest.
    """
    try:
        values = json.loads(text)
        schema = values["schema"]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise BundleCorruptError(
            f"{where} is no bundle manifest ({error!r}): publish or fetch the bundle again."
        ) from error
    if type(schema) is not int:
        raise BundleCorruptError(
            f"{where} is no bundle manifest (its schema is {schema!r}, no whole number): publish"
            " or fetch the bundle again."
        )
    if schema != SCHEMA:
        mend = "upgrade mlopsproj to load it" if schema > SCHEMA else "make the bundle again"
        raise BundleSchemaError(
            f"{where} has schema {schema}; this release reads schema {SCHEMA}: {mend}."
        )
    try:
        return Manifest.model_validate_json(text)
    except ValidationError as error:
        raise BundleCorruptError(
            f"{where} is no valid bundle manifest ({complaints(error)}): publish or fetch the"
            " bundle again."
        ) from error
    except ImageError as error:
        raise BundleCorruptError(f"{where} is no valid bundle manifest: {error}") from error


def complaints(error: ValidationError) -> str:
    """What is wrong with the first few keys, each named, in one line."""
    found = []
    for detail in error.errors(include_url=False, include_input=False):
        key = ".".join(str(part) for part in detail["loc"])
        # A stranger's key must not write lines of its own into a log.
        found.append(f"{key if key.isprintable() else repr(key)}: {detail['msg']}")
    more = [f"and {len(found) - _TOLD} more"] if len(found) > _TOLD else []
    return "; ".join([*found[:_TOLD], *more])
