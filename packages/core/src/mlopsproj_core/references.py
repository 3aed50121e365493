"""Which versions of a model are needed, and what for.

Knows nothing of how old they are, nor of removing any.
"""

import json

from mlopsproj_core.alias_history import AliasHistory, trail
from mlopsproj_core.holds import held_numbers
from mlopsproj_core.manifest import MANIFEST
from mlopsproj_core.model_version import ModelVersion, is_name
from mlopsproj_core.registry import CANDIDATE
from mlopsproj_core.store import Store


class References:
    """What points at the versions of a registry; nothing that never changes is read twice."""

    def __init__(self, store: Store) -> None:
        """Read nothing yet."""
        self._store = store
        self._histories: dict[tuple[str, str], AliasHistory] = {}
        self._parents: dict[ModelVersion, ModelVersion | None] = {}

    def of(self, name: str) -> dict[ModelVersion, str]:
        """Versions that a model's aliases need now, each with the first reason that was found.

        What an alias points at, what a rollback may go back to, and what somebody is about to point
        an alias at; of `candidate`, what it points at only.

        Raises:
            RegistryError: if an alias cannot be read.
        """
        # Holds before aliases: a hold goes only after its alias was moved.
        numbers = held_numbers(self._store, name)
        held = {ModelVersion(name, number): "an alias is being moved" for number in numbers}
        needed: dict[ModelVersion, str] = {}
        former: dict[ModelVersion, str] = {}
        for alias in filter(is_name, self._store.names(f"{name}/aliases")):
            history = self._history(name, alias)
            if alias == CANDIDATE:
                # Training moves it to each version that it makes: going back along it needs all.
                last = history.last()
                back = [last.version] if last else []
            else:
                back = trail(history.moves())
            for number in back[-1:]:
                needed.setdefault(ModelVersion(name, number), alias)
            for number in back[:-1]:
                former.setdefault(ModelVersion(name, number), f"rollback of {alias}")
        return {**held, **former, **needed}

    def with_parents(self, needed: dict[ModelVersion, str]) -> dict[ModelVersion, str]:
        """The same and all that they were made from, directly or not."""
        found = dict(needed)
        left = list(needed)
        while left:
            child = left.pop()
            parent = self._parent(child)
            if parent is not None and parent not in found:
                found[parent] = f"parent of {child}"
                left.append(parent)
        return found

    def _history(self, name: str, alias: str) -> AliasHistory:
        new = AliasHistory(self._store, name, alias)
        return self._histories.setdefault((name, alias), new)

    def _parent(self, version: ModelVersion) -> ModelVersion | None:
        """What a version's manifest says, also where it is of another release or else damaged."""
        if version not in self._parents:
            try:
                manifest = json.loads(self._store.read(f"{version.folder}/{MANIFEST}"))
                name, _, number = str(manifest["parent"]).rpartition(":")
            except (FileNotFoundError, ValueError, TypeError, KeyError, RecursionError):
                return None
            is_version = is_name(name) and number.isascii() and number.isdecimal()
            self._parents[version] = ModelVersion(name, int(number)) if is_version else None
        return self._parents[version]
