"""A whole registry copied to another address: as a backup, or back from one.

Versions first, each with its manifest last, then aliases, each with its last move first: whoever
reads the copy meanwhile finds no version without its files and no alias without its version. What
is there already is held against its source and not written again, so that a copy goes on where the
one before ended, be it done or interrupted; until it is done, a mark says so. Nothing is
overwritten or removed. Knows nothing of how it is shown.
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mlopsproj_core.copy_mark import CopyMark, refuse_unfinished
from mlopsproj_core.errors import ConfigError, NotFoundError, RegistryError
from mlopsproj_core.manifest import MANIFEST, FileName, Sha256, complaints
from mlopsproj_core.model_version import ModelVersion, is_name
from mlopsproj_core.publication import CLAIM, tombstone
from mlopsproj_core.store import Store

T = TypeVar("T", bound=BaseModel)

Progress = Callable[[int, int], None]
"""Told of bytes that are done, and of all."""

_FILE = re.compile(r"(?P<number>[1-9][0-9]{0,17})/(?P<file>.+)")
_KINDS = ("aliases", "removed", "versions")


@dataclass(slots=True)
class Copied:
    """What a copy did.

    Attributes:
        versions: that were copied.
        already: that were there.
        moves: of aliases that were copied.
        bytes: that were written.
        left_out: why a version or an alias was not copied, or not all of it, by `name:number` or
            `name@alias`.
    """

    versions: list[str] = field(default_factory=list)
    already: list[str] = field(default_factory=list)
    moves: int = 0
    bytes: int = 0
    left_out: dict[str, str] = field(default_factory=dict)


def back_up(source: str, target: str, progress: Progress | None = None) -> Copied:
    """Copy what a registry holds and a backup does not; the registry may be in use meanwhile.

    What the backup holds and the registry does not any more stays in it.

    Args:
        source: URL of the registry.
        target: URL of the backup, a folder or any fsspec URL; a registry too.
        progress: told how far it is.

    Raises:
        ConfigError: if one of the two lies in the other.
        NotFoundError: if there is nothing to copy.
        RegistryError: if one cannot be reached, the source is an unfinished copy itself, or a file
            of the target is another than the source's, naming it.
    """
    return _Copy(source, target, progress).run()


def restore(source: str, target: str, progress: Progress | None = None) -> Copied:
    """Copy a backup into a registry that holds nothing, or nothing but a part of the backup.

    Args:
        source: URL of the backup.
        target: URL of the registry.
        progress: told how far it is.

    Raises:
        ConfigError: if one of the two lies in the other.
        NotFoundError: if there is nothing to copy.
        RegistryError: as for `back_up`; and if the registry holds a file that the backup has not.
    """
    copy = _Copy(source, target, progress)
    copy.refuse_others()
    return copy.run()


class _FilesOfBundle(BaseModel):
    """What every release's manifest says of its files."""

    model_config = ConfigDict(extra="ignore")

    files: dict[FileName, Sha256]


class _Pointing(BaseModel):
    """What every release's move of an alias says of its version."""

    model_config = ConfigDict(extra="ignore")

    version: Annotated[int, Field(ge=1)]


class _Told(BaseModel):
    """A claim, or what tells of a removal: in every release an object, whatever it says."""

    model_config = ConfigDict(extra="ignore")


class _DamagedError(Exception):
    """Something of the source cannot be copied as it is; the rest can."""


class _MissingError(_DamagedError):
    """A file of the source is not there, or not any more."""


class _Copy:
    def __init__(self, source: str, target: str, progress: Progress | None) -> None:
        self._source, self._target = Store(source), Store(target)
        self._progress = progress
        self._done = Copied()
        self._passed_bytes = self._all_bytes = 0
        if self._source.meets(self._target):
            raise ConfigError(
                f"{source} and {target} lie in one another: name a place apart, best on another"
                " disk or in a bucket."
            )
        refuse_unfinished(self._source)
        self._mark = CopyMark(self._target, source)
        self._look()
        if not any(self._versions.values()):
            raise NotFoundError(f"{source} holds no model: there is nothing to copy.")

    def _look(self) -> None:
        self._names = [name for name in self._source.names("") if is_name(name)]
        # Aliases before versions: what an alias points at was there before.
        self._aliases = {name: self._moves(self._source, name) for name in self._names}
        self._versions = {name: _by_number(self._source, name) for name in self._names}

    def refuse_others(self) -> None:
        """Raise if the target holds a file that the source has not."""
        for name in filter(is_name, self._target.names("")):
            for kind in _KINDS:
                theirs = self._target.files(f"{name}/{kind}")
                ours = set(self._source.files(f"{name}/{kind}")) if theirs else set()
                for path in theirs:
                    if path not in ours and not path.rpartition("/")[2].startswith("."):
                        raise RegistryError(
                            f"{self._target.url} holds {name}/{kind}/{path}, which"
                            f" {self._source.url} does not: restore into an empty registry."
                        )

    def run(self) -> Copied:
        """Copy until nothing is left that an alias points at."""
        while not self._pass():
            self._look()
        self._mark.take_away()
        return self._done

    def _pass(self) -> bool:
        """Whether all was there to be copied, or is missing for good."""
        self._done.already, self._done.left_out = [], {}
        there = {name: _by_number(self._target, name) for name in self._names}
        self._passed_bytes = 0
        self._all_bytes = sum(
            size
            for name, numbers in self._versions.items()
            for number, files in numbers.items()
            if MANIFEST in files and MANIFEST not in there[name][number]
            for size in files.values()
        )
        for name in self._names:
            for number, files in sorted(self._versions[name].items()):
                version = ModelVersion(name, number)
                try:
                    self._copy_version(version, files, there[name][number])
                except _MissingError as error:
                    if self._source.exists(f"{version.folder}/{MANIFEST}"):  # else removed since
                        self._done.left_out[str(version)] = str(error)
                except _DamagedError as error:
                    self._done.left_out[str(version)] = str(error)
        return all(
            self._copy_alias(name, alias, sequences)
            for name in self._names
            for alias, sequences in sorted(self._aliases[name].items())
        )

    def _copy_version(
        self, version: ModelVersion, files: Mapping[str, int], there: Mapping[str, int]
    ) -> None:
        if CLAIM in files:
            try:
                self._copy(f"{version.folder}/{CLAIM}", kind=_Told)
            except _DamagedError as error:  # the version is whole without
                self._done.left_out[str(version)] = f"{error}; copied without it"
        if MANIFEST not in files:
            if MANIFEST not in there and self._source.exists(tombstone(version)):
                self._copy(tombstone(version), kind=_Told)
            return
        manifest = self._read(f"{version.folder}/{MANIFEST}")
        wanted = _parsed(_FilesOfBundle, manifest, MANIFEST).files
        if MANIFEST in there:
            self._compare(version, wanted, files, there)
            return
        for file, sha256 in wanted.items():
            self._copy(f"{version.folder}/{file}", sha256)
            self._advance(files.get(file, 0))
        self._copy(f"{version.folder}/{MANIFEST}")
        self._done.versions.append(str(version))

    def _compare(
        self,
        version: ModelVersion,
        wanted: Mapping[str, str],
        files: Mapping[str, int],
        there: Mapping[str, int],
    ) -> None:
        self._copy(f"{version.folder}/{MANIFEST}")
        # By sizes: the contents were compared before the manifest was written.
        for file, sha256 in wanted.items():
            if file not in there:
                self._copy(f"{version.folder}/{file}", sha256)
            elif files.get(file, there[file]) != there[file]:
                raise self._differs(f"{version.folder}/{file}")
        if str(version) not in self._done.versions:
            self._done.already.append(str(version))

    def _copy_alias(self, name: str, alias: str, sequences: list[int]) -> bool:
        """Whether it could be looked at in peace: not moved, and its version removed, since."""
        folder = f"{name}/aliases/{alias}"
        last = sequences[-1]
        for sequence in self._target.numbers(folder, ".json"):
            path = f"{folder}/{sequence}.json"
            if sequence > last and not self._source.exists(path):
                raise self._differs(path)
        try:
            move = _parsed(_Pointing, self._read(f"{folder}/{last}.json"), f"{last}.json")
            version = ModelVersion(name, move.version)
            if not self._target.exists(f"{version.folder}/{MANIFEST}"):
                if self._source.exists(f"{folder}/{last + 1}.json"):
                    return False
                raise _DamagedError(f"it points at {version}, which is not in {self._target.url}")
            self._done.moves += self._copy(f"{folder}/{last}.json", kind=_Pointing)
            for sequence in reversed(sequences[:-1]):
                self._copy_move(f"{folder}/{sequence}.json", f"{name}@{alias}")
        except _DamagedError as error:
            self._done.left_out[f"{name}@{alias}"] = str(error)
        return True

    def _copy_move(self, path: str, alias: str) -> None:
        """An earlier move of an alias, which counts without those that are damaged."""
        try:
            self._done.moves += self._copy(path, kind=_Pointing)
        except _DamagedError as error:
            told = f"{error}; copied without it"
            before = self._done.left_out.get(alias)
            self._done.left_out[alias] = f"{before}; {told}" if before else told

    def _copy(
        self, path: str, sha256: str | None = None, kind: type[BaseModel] | None = None
    ) -> bool:
        """See that the target has a file of the source; whether it had to be written.

        Args:
            path: of the file.
            sha256: that it must have.
            kind: what it must be, unless it has a sha256.
        """
        try:
            there = self._target.read(path)
        except FileNotFoundError:
            there = None
        if there is not None and sha256 is not None:
            if _digest(there) != sha256:
                raise self._differs(path)
            return False
        data = self._read(path)
        if sha256 is not None and _digest(data) != sha256:
            raise _DamagedError(f"{path} was changed: its sha256 is not what the manifest says")
        if kind is not None:
            _parsed(kind, data, path)
        if there is None:
            self._mark.put()
            try:
                self._target.create(path, data)
            except FileExistsError:  # of another copy at the same time
                there = self._target.read(path)
        if there is not None and there != data:
            raise self._differs(path)
        if there is None and self._target.read(path) != data:
            raise RegistryError(
                f"{self._target.url}/{path} is not what was written there: see to its disk, remove"
                " the file, and run the command again."
            )
        self._done.bytes += len(data) if there is None else 0
        return there is None

    def _read(self, path: str) -> bytes:
        local, root = self._source.local_path(path), self._source.local_path("")
        if local and root and not local.resolve().is_relative_to(root.resolve()):
            raise _DamagedError(f"{path} is a link to what lies outside of {self._source.url}")
        try:
            return self._source.read(path)
        except FileNotFoundError:
            raise _MissingError(f"{path} is missing") from None

    def _differs(self, path: str) -> RegistryError:
        return RegistryError(
            f"{self._target.url}/{path} is not what {self._source.url} holds: nothing is"
            " overwritten. Name another target; or, if that file is damaged, remove it, and run the"
            " command again."
        )

    def _advance(self, size: int) -> None:
        self._passed_bytes += size
        if self._progress:
            self._progress(min(self._passed_bytes, self._all_bytes), self._all_bytes)

    @staticmethod
    def _moves(store: Store, name: str) -> dict[str, list[int]]:
        found = {
            alias: store.numbers(f"{name}/aliases/{alias}", ".json")
            for alias in store.names(f"{name}/aliases")
            if is_name(alias)
        }
        return {alias: sequences for alias, sequences in found.items() if sequences}


def _by_number(store: Store, name: str) -> defaultdict[int, dict[str, int]]:
    """Sizes of the files of each number of a model."""
    found: defaultdict[int, dict[str, int]] = defaultdict(dict)
    for path, size in store.sizes(f"{name}/versions").items():
        if match := _FILE.fullmatch(path):
            found[int(match["number"])][match["file"]] = size
    return found


def _parsed(kind: type[T], text: bytes, file: str) -> T:
    try:
        return kind.model_validate_json(text)
    except ValidationError as error:
        raise _DamagedError(f"{file} cannot be read ({complaints(error)})") from error


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
