"""Versions of models and the aliases that point at them, in a folder or an object store.

    {name}/versions/{n}/…                a bundle; its manifest.json, written last, makes it exist
    {name}/aliases/{alias}/{seq}.json    a move of the alias; the highest counts

Nothing is ever overwritten: numbers are taken by exclusive creation, so that any number of
processes may publish and promote at once. Knows nothing of what makes a model good.
"""

import hashlib
import json
import logging
import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from mlopsproj_core.bundle import Bundle
from mlopsproj_core.errors import NotFoundError, RegistryError, StaleError
from mlopsproj_core.manifest import MANIFEST, Manifest, Name, parse_manifest
from mlopsproj_core.store import Store

logger = logging.getLogger(__name__)

PRODUCTION = "production"
CANDIDATE = "candidate"

_CLAIM = "claim"
_NAME = TypeAdapter(Name)
_REFERENCE = re.compile(r"(?P<name>[^@:]*)(?:@(?P<alias>[^@:]+)|:(?P<number>\d+))?")


@dataclass(frozen=True, order=True, slots=True)
class ModelVersion:
    """One version of a model, written `name:number`."""

    name: str
    number: int

    def __str__(self) -> str:
        return f"{self.name}:{self.number}"


class AliasMove(BaseModel):
    """One entry of an alias's history.

    Attributes:
        alias: e.g. "production".
        sequence: 1, 2, 3, …
        version: that the alias points at since.
        actor: who moved it.
        reason: why.
        gates: what was judged then, with its figures.
        time: UTC.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    alias: str
    sequence: Annotated[int, Field(ge=1)]
    version: Annotated[int, Field(ge=1)]
    actor: str
    reason: str
    gates: tuple[dict[str, Any], ...] = ()
    time: datetime


class Registry:
    """The models under one URL."""

    def __init__(self, url: str, *, cache: Path | None = None) -> None:
        """Open a registry; it is created by the first publication.

        Args:
            url: a folder, or any fsspec URL.
            cache: where versions of a registry elsewhere are kept once fetched;
                `~/.cache/mlopsproj/registry` unless given.

        Raises:
            RegistryError: if no file system goes with the URL.
        """
        self.url = url
        self._store = Store(url)
        self._cache = cache

    def names(self) -> list[str]:
        """Models that have a version, sorted."""
        return [name for name in self._store.list("") if _is_name(name) and self.versions(name)]

    def versions(self, name: str) -> list[int]:
        """Complete versions of a model, ascending."""
        numbers = self._numbers(f"{name}/versions")
        return [n for n in numbers if self._store.exists(f"{name}/versions/{n}/{MANIFEST}")]

    def all_versions(self) -> list[ModelVersion]:
        """Every complete version of every model."""
        return [
            ModelVersion(name, number) for name in self.names() for number in self.versions(name)
        ]

    def manifest(self, version: ModelVersion) -> Manifest:
        """What a version says of itself.

        Raises:
            NotFoundError: if there is no such version.
        """
        path = f"{version.name}/versions/{version.number}/{MANIFEST}"
        try:
            return parse_manifest(self._store.read(path), f"{self.url}/{path}")
        except FileNotFoundError as error:
            raise self._no_version(version.name, version.number) from error

    def resolve(self, reference: str) -> ModelVersion:
        """The version that is meant.

        Args:
            reference: `name:version`, `name@alias`, or `name`, which is its production. The name
                may be left out where the registry holds one model.

        Raises:
            NotFoundError: if there is none, naming what there is.
        """
        match = _REFERENCE.fullmatch(reference)
        if match is None:
            raise NotFoundError(f"{reference!r} names no model: write name@alias or name:version.")
        name = match["name"] or self._only_name(reference)
        if match["number"]:
            number = int(match["number"])
            if number not in self.versions(name):
                raise self._no_version(name, number)
            return ModelVersion(name, number)
        alias = match["alias"] or PRODUCTION
        moves = self.history(name, alias)
        if not moves:
            if not self.versions(name):
                raise self._no_version(name, None)
            known = ", ".join(sorted(self.aliases(name))) or "none"
            raise NotFoundError(f"{name} has no alias {alias!r} in {self.url}; it has: {known}.")
        return ModelVersion(name, moves[-1].version)

    def publish(self, bundle: Bundle) -> ModelVersion:
        """Add a bundle as the next version of the model that its manifest names.

        Raises:
            BundleCorruptError: if a file is not what the manifest says.
            RegistryError: if the registry cannot be written; nothing is visible then.
        """
        bundle.verify()
        name = bundle.manifest.name
        number = self._claim(name)
        folder = f"{name}/versions/{number}"
        for file in bundle.manifest.files:
            self._store.create(f"{folder}/{file}", (bundle.path / file).read_bytes())
        self._store.create(f"{folder}/{MANIFEST}", (bundle.path / MANIFEST).read_bytes())
        version = ModelVersion(name, number)
        logger.info("published %s in %s", version, self.url)
        return version

    def fetch(self, version: ModelVersion) -> Path:
        """A folder on this machine that holds the version's bundle.

        A version elsewhere is downloaded once, verified, and kept.

        Raises:
            NotFoundError: if there is no such version.
            BundleError: if what was downloaded is not what its manifest says.
        """
        manifest = self.manifest(version)
        folder = f"{version.name}/versions/{version.number}"
        local = self._store.local_path(folder)
        if local is not None:
            return local
        target = self._cache_folder() / folder
        if (target / MANIFEST).exists():
            return target
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
            draft = Path(scratch) / "bundle"
            for file in (*manifest.files, MANIFEST):
                (draft / file).parent.mkdir(parents=True, exist_ok=True)
                (draft / file).write_bytes(self._store.read(f"{folder}/{file}"))
            Bundle.open(draft).verify()
            try:
                draft.rename(target)
            except OSError:
                if not (target / MANIFEST).exists():  # else another process was first
                    raise
        return target

    def verify(self, version: ModelVersion) -> None:
        """Hold every file of a version, where it lies, against its manifest.

        Raises:
            NotFoundError: if there is no such version.
            RegistryError: naming the first file that is missing or changed.
        """
        for file, expected in self.manifest(version).files.items():
            path = f"{version.name}/versions/{version.number}/{file}"
            try:
                found = hashlib.sha256(self._store.read(path)).hexdigest()
            except FileNotFoundError:
                raise RegistryError(
                    f"{version} in {self.url} lacks {file}: publish it again."
                ) from None
            if found != expected:
                raise RegistryError(
                    f"{file} of {version} in {self.url} was changed: its sha256 is {found[:12]}…,"
                    f" the manifest says {expected[:12]}…: publish it again, or roll back."
                )

    def aliases(self, name: str) -> dict[str, AliasMove]:
        """Where each alias of a model points at now."""
        found = {alias: self.history(name, alias) for alias in self._store.list(f"{name}/aliases")}
        return {alias: moves[-1] for alias, moves in found.items() if moves}

    def history(self, name: str, alias: str) -> list[AliasMove]:
        """Moves of an alias, the oldest first; none where there is no such alias."""
        folder = f"{_checked(name)}/aliases/{_checked(alias)}"
        moves = []
        for sequence in self._numbers(folder, ".json"):
            path = f"{folder}/{sequence}.json"
            try:
                moves.append(AliasMove.model_validate_json(self._store.read(path)))
            except ValidationError as error:
                raise RegistryError(f"{self.url}/{path} is no alias move: {error}") from error
        return moves

    def move_alias(
        self,
        name: str,
        alias: str,
        version: int,
        *,
        actor: str,
        reason: str,
        gates: Sequence[Mapping[str, Any]] = (),
        expected_sequence: int | None = None,
    ) -> AliasMove:
        """Point an alias at a version.

        Args:
            name: of the model.
            alias: e.g. "production".
            version: that it shall point at.
            actor: who moves it.
            reason: why.
            gates: what was judged, with its figures.
            expected_sequence: of the last move that the caller knows of, 0 for none; the last
                there is, whatever it be, unless given.

        Raises:
            NotFoundError: if there is no such version.
            StaleError: if another move came after `expected_sequence`.
        """
        if not self._store.exists(f"{_checked(name)}/versions/{version}/{MANIFEST}"):
            raise self._no_version(name, version)
        folder = f"{name}/aliases/{_checked(alias)}"
        while True:
            last = max(self._numbers(folder, ".json"), default=0)
            if expected_sequence is not None and last != expected_sequence:
                raise StaleError(
                    f"{name}@{alias} was moved meanwhile (move {last}, not {expected_sequence}):"
                    " look at it again."
                )
            move = AliasMove(
                alias=alias,
                sequence=last + 1,
                version=version,
                actor=actor,
                reason=reason,
                gates=tuple(dict(gate) for gate in gates),
                time=datetime.now(UTC),
            )
            try:
                self._store.create(
                    f"{folder}/{move.sequence}.json", move.model_dump_json(indent=2).encode()
                )
            except FileExistsError:
                continue
            return move

    def rollback(self, name: str, alias: str, *, actor: str, reason: str) -> AliasMove:
        """Point an alias at the version that it pointed at before the present one.

        Two rollbacks go back two versions: each goes along the history that is left.

        Raises:
            NotFoundError: if there is no version to go back to.
            StaleError: if the alias was moved meanwhile.
        """
        moves = self.history(name, alias)
        trail: list[int] = []
        for move in moves:
            if len(trail) > 1 and move.reason.startswith(ROLLBACK) and move.version == trail[-2]:
                trail.pop()
            elif not trail or trail[-1] != move.version:
                trail.append(move.version)
        if len(trail) < 2:  # noqa: PLR2004 (the present one and one before)
            raise NotFoundError(
                f"{name}@{alias} has no version before the present one: see `registry show {name}`."
            )
        return self.move_alias(
            name,
            alias,
            trail[-2],
            actor=actor,
            reason=f"{ROLLBACK} {trail[-1]}: {reason}",
            expected_sequence=moves[-1].sequence,
        )

    def _claim(self, name: str) -> int:
        """Take the next free number, for ever: also one whose publisher dies is not used again."""
        folder = f"{name}/versions"
        number = max(self._numbers(folder), default=0)
        owner = json.dumps({"pid": os.getpid(), "time": datetime.now(UTC).isoformat()})
        while True:
            number += 1
            try:
                self._store.create(f"{folder}/{number}/{_CLAIM}", owner.encode())
            except FileExistsError:
                continue
            return number

    def _numbers(self, folder: str, ending: str = "") -> list[int]:
        names = (name.removesuffix(ending) for name in self._store.list(folder))
        return sorted(int(name) for name in names if name.isdecimal())

    def _only_name(self, reference: str) -> str:
        names = self.names()
        if not names:
            raise NotFoundError(
                f"The registry {self.url} holds no model: make one with `uv run train`."
            )
        if len(names) > 1:
            raise NotFoundError(
                f"The registry {self.url} holds several models ({', '.join(names)}): write which,"
                f" e.g. {names[0]}{reference}, or set MLOPSPROJ_MODEL."
            )
        return names[0]

    def _no_version(self, name: str, number: int | None) -> NotFoundError:
        what = f"{name}:{number}" if number is not None else f"model {name!r}"
        versions = self.versions(name)
        if versions:
            return NotFoundError(
                f"There is no {what} in {self.url}; there is: {', '.join(map(str, versions))}."
            )
        names = ", ".join(self.names()) or "nothing yet; `uv run train` makes a model"
        return NotFoundError(f"There is no {what} in {self.url}; there is: {names}.")

    def _cache_folder(self) -> Path:
        root = self._cache or Path.home() / ".cache" / "mlopsproj" / "registry"
        return root / hashlib.sha256(self.url.encode()).hexdigest()[:16]


ROLLBACK = "rollback from"


def _is_name(name: str) -> bool:
    try:
        _NAME.validate_python(name)
    except ValidationError:
        return False
    return True


def _checked(name: str) -> str:
    """A name of a model or alias, which is a part of a path.

    Raises:
        NotFoundError: if it is none.
    """
    if not _is_name(name):
        raise NotFoundError(
            f"{name!r} is no name of a model or alias: lower-case letters, digits, _ . and - are."
        )
    return name
