"""Versions of models and the aliases that point at them, in a folder or an object store.

    {name}/versions/{n}/…                a bundle; its manifest.json, written last, makes it exist
    {name}/aliases/{alias}/{seq}.json    a move of the alias; the highest counts

Nothing is ever overwritten: numbers are taken by exclusive creation, so that any number of
processes may publish and promote at once. Knows nothing of what makes a model good.
"""

import hashlib
import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from mlopsproj_core.alias_history import AliasHistory, AliasMove, trail
from mlopsproj_core.bundle import Bundle, damages
from mlopsproj_core.bundle_cache import cached_copy, default_cache, forget_copy
from mlopsproj_core.errors import BundleError, NotFoundError, RegistryError
from mlopsproj_core.holds import held
from mlopsproj_core.manifest import MANIFEST, Manifest, parse_manifest
from mlopsproj_core.model_version import ModelVersion, checked_name, is_name
from mlopsproj_core.publication import publish_bundle, tombstone
from mlopsproj_core.store import Store

__all__ = ["CANDIDATE", "PRODUCTION", "AliasMove", "ModelVersion", "Registry"]

logger = logging.getLogger(__name__)

PRODUCTION = "production"
CANDIDATE = "candidate"

_REFERENCE = re.compile(r"(?P<name>[^@:]*)(?:@(?P<alias>[^@:]+)|:(?P<number>[0-9]{1,18}))?")
_PUBLISHED = re.compile(rf"([1-9][0-9]{{0,17}})/{re.escape(MANIFEST)}")


class Registry:
    """The models under one URL."""

    def __init__(self, url: str, *, cache: Path | None = None) -> None:
        """Open a registry; it is created by the first publication.

        Args:
            url: a folder, or any fsspec URL.
            cache: where versions of a registry elsewhere are kept once fetched;
                `mlopsproj/registry` in `$XDG_CACHE_HOME`, else in `~/.cache`, unless given.

        Raises:
            RegistryError: if no file system goes with the URL.
        """
        self.url = url
        self._store = Store(url)
        self._cache = cache

    def names(self) -> list[str]:
        """Models that have a version, sorted."""
        return sorted({version.name for version in self.all_versions()})

    def versions(self, name: str) -> list[int]:
        """Complete versions of a model, ascending."""
        files = self._store.files(f"{checked_name(name)}/versions")
        return sorted(int(match[1]) for match in map(_PUBLISHED.fullmatch, files) if match)

    def all_versions(self) -> list[ModelVersion]:
        """Every complete version of every model, sorted."""
        names = filter(is_name, self._store.names(""))
        return [ModelVersion(name, number) for name in names for number in self.versions(name)]

    def manifest(self, version: ModelVersion) -> Manifest:
        """What a version says of itself.

        Raises:
            NotFoundError: if there is no such version.
            BundleError: if its manifest is damaged, or of another release.
        """
        return self._manifest(version)[1]

    def resolve(self, reference: str) -> ModelVersion:
        """The version that is meant.

        Args:
            reference: `name:version`, `name@alias`, or `name`, which is its production. The name
                may be left out where the registry holds one model.

        Raises:
            NotFoundError: if there is none, naming what there is.
        """
        return self.locate(reference)[0]

    def locate(self, reference: str) -> tuple[ModelVersion, AliasMove | None]:
        """The version that is meant, and the move since which its alias points there.

        Args:
            reference: as `resolve` takes it; one with a number has no move.

        Raises:
            NotFoundError: if there is none, naming what there is.
        """
        match = _REFERENCE.fullmatch(reference)
        if match is None:
            raise NotFoundError(f"{reference!r} names no model: write name@alias or name:version.")
        name = match["name"] or self._only_name(reference)
        if match["number"]:
            return self._existing(name, int(match["number"])), None
        alias = match["alias"] or PRODUCTION
        move = self._history(name, alias).last()
        if move is None:
            if not self.versions(name):
                raise self._no_version(name, None)
            known = ", ".join(self._alias_names(name)) or "none"
            raise NotFoundError(f"{name} has no alias {alias!r} in {self.url}; it has: {known}.")
        return ModelVersion(name, move.version), move

    def publish(self, bundle: Bundle) -> ModelVersion:
        """Add a bundle as the next version of the model that its manifest names.

        Raises:
            BundleCorruptError: if a file is not what the manifest says.
            RegistryError: if the registry cannot be written; nothing is visible then.
        """
        version = publish_bundle(self._store, bundle)
        logger.info("published %s in %s", version, self.url)
        return version

    def fetch(self, version: ModelVersion) -> Path:
        """A folder on this machine that holds the version's bundle.

        A version elsewhere is downloaded once, verified, and kept.

        Raises:
            NotFoundError: if there is no such version.
            BundleError: if what was downloaded is not what its manifest says.
            RegistryError: if a file is missing, or the copy cannot be written.
        """
        text, manifest = self._manifest(version)
        local = self._store.local_path(version.folder)
        if local is not None:
            return local
        return cached_copy(
            self._cache or default_cache(),
            version.name,
            text,
            manifest.files,
            lambda file: self._read(version, file),
        )

    def verify(self, version: ModelVersion) -> None:
        """Hold every file of a version, where it lies, against its manifest.

        The manifest itself is held against nothing: who may write the registry is trusted.

        Raises:
            NotFoundError: if there is no such version.
            BundleError: if its manifest is damaged, or of another release.
            RegistryError: naming every file that is missing, unreadable or changed.
        """

        def digest(file: str) -> str:
            try:
                return self._digest(version, file)
            except RegistryError as error:  # one complaint among others
                raise OSError(str(error)) from error

        if told := self._damage(version, digest):
            raise RegistryError(told)

    def aliases(self, name: str) -> dict[str, AliasMove]:
        """Where each alias of a model points at now, sorted.

        Raises:
            RegistryError: if one cannot be read; `survey_aliases` goes on.
        """
        last = {alias: self._history(name, alias).last() for alias in self._alias_names(name)}
        return {alias: move for alias, move in last.items() if move is not None}

    def survey_aliases(self, name: str) -> tuple[dict[str, AliasMove], dict[str, str]]:
        """Where the aliases of a model point at now, and why others cannot be read; both sorted."""
        moves: dict[str, AliasMove] = {}
        unreadable: dict[str, str] = {}
        for alias in self._alias_names(name):
            try:
                move = self._history(name, alias).last()
            except RegistryError as error:
                unreadable[alias] = str(error)
            else:
                if move is not None:
                    moves[alias] = move
        return moves, unreadable

    def history(self, name: str, alias: str) -> list[AliasMove]:
        """Moves of an alias, the oldest first; none where there is no such alias."""
        return self._history(name, alias).moves()

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
            RegistryError: if the version is being removed.
        """
        history = self._history(name, alias)
        with self._holding(name, version):
            return history.append(
                version=version,
                actor=actor,
                reason=reason,
                gates=gates,
                expected_sequence=expected_sequence,
            )

    def rollback(self, name: str, alias: str, *, actor: str, reason: str) -> AliasMove:
        """Point an alias at the version that it pointed at before the present one.

        Two rollbacks go back two versions: each goes along the history that is left. Versions that
        are gone or damaged are passed over, which the log tells; what cannot be read may be whole,
        and is not.

        Raises:
            NotFoundError: if there is no version to go back to.
            RegistryError: if none of those before is whole, or one cannot be read.
            StaleError: if the alias was moved meanwhile.
        """
        history = self._history(name, alias)
        moves = history.moves()
        *before, present = trail(moves) or [0]
        if not before:
            raise NotFoundError(
                f"{name}@{alias} has no version before the present one: see `registry show {name}`."
            )
        target = self._newest_whole(name, alias, before)
        with self._holding(name, target):
            return history.append(
                version=target,
                actor=actor,
                reason=f"rollback from {present}: {reason}",
                rollback=True,
                expected_sequence=moves[-1].sequence,
            )

    def forget_copy(self, version: ModelVersion) -> None:
        """Remove what `fetch` keeps of a version on this machine, if it keeps anything.

        Raises:
            NotFoundError: if there is no such version.
            BundleError: if its manifest is damaged, or of another release.
        """
        text, _ = self._manifest(version)
        if self._store.local_path(version.folder) is None:
            forget_copy(self._cache or default_cache(), version.name, text)

    def _newest_whole(self, name: str, alias: str, versions: Sequence[int]) -> int:
        """The last of some versions of a model whose files are what its manifest says."""
        passed_over = []
        for number in dict.fromkeys(reversed(versions)):
            try:
                version = ModelVersion(name, number)
                # What cannot be read tells nothing: that error is raised.
                told = self._damage(version, partial(self._digest, version))
            except (BundleError, NotFoundError) as error:
                told = str(error)
            if told is None:
                return number
            passed_over.append(told)
            logger.warning("%s:%d is passed over: %s", name, number, told)
        raise RegistryError(
            f"{name}@{alias} has no version to go back to that is whole: {' '.join(passed_over)}"
            f" Restore the registry from a backup, or promote another version."
        )

    def _digest(self, version: ModelVersion, file: str) -> str:
        return hashlib.sha256(self._store.read(f"{version.folder}/{file}")).hexdigest()

    def _damage(self, version: ModelVersion, digest: Callable[[str], str]) -> str | None:
        """What is wrong with the files of a version; None if it is whole."""
        found = "; ".join(damages(self.manifest(version).files, digest))
        if not found:
            return None
        return f"{version} in {self.url} is damaged: {found}. Publish it again, or roll back."

    @contextmanager
    def _holding(self, name: str, number: int) -> Iterator[None]:
        """See that a version is there, and stays there."""
        version = ModelVersion(checked_name(name), number)
        # Only after it is held can it be relied upon; but what never was must not be held.
        self._existing(name, number)
        with held(self._store, version):
            self._existing(name, number)
            yield

    def _alias_names(self, name: str) -> list[str]:
        return [
            alias for alias in self._store.names(f"{checked_name(name)}/aliases") if is_name(alias)
        ]

    def _history(self, name: str, alias: str) -> AliasHistory:
        return AliasHistory(self._store, checked_name(name), checked_name(alias))

    def _manifest(self, version: ModelVersion) -> tuple[bytes, Manifest]:
        path = f"{version.folder}/{MANIFEST}"
        try:
            text = self._store.read(path)
        except FileNotFoundError:
            raise self._no_version(version.name, version.number) from None
        return text, parse_manifest(text, f"{self.url}/{path}")

    def _existing(self, name: str, number: int) -> ModelVersion:
        version = ModelVersion(name, number)
        if not self._store.exists(f"{version.folder}/{MANIFEST}"):
            raise self._no_version(name, number)
        return version

    def _read(self, version: ModelVersion, file: str) -> bytes:
        try:
            return self._store.read(f"{version.folder}/{file}")
        except FileNotFoundError:
            raise RegistryError(
                f"{version} in {self.url} lacks {file}: publish it again."
            ) from None

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
        if number is not None and self._store.exists(tombstone(ModelVersion(name, number))):
            what = f"{what} any more, since it was removed,"
        versions = self.versions(name)
        if versions:
            return NotFoundError(
                f"There is no {what} in {self.url}; there is: {', '.join(map(str, versions))}."
            )
        names = ", ".join(self.names()) or "nothing yet; `uv run train` makes a model"
        return NotFoundError(f"There is no {what} in {self.url}; there is: {names}.")
