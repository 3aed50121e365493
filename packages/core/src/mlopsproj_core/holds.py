"""Whoever points an alias at a version and whoever removes one do not miss each other.

    {name}/moving/{number}/{time}-{id}       an alias is about to be pointed at the version
    {name}/removing/{number}/{time}-{id}     the version is about to be removed

Each leaves a note first, and looks for the other's then, so that at least one of the two steps
back. A note goes with its work; that of a process which was killed is void after an hour. So no
alias is ever left without its version, unless a process stands still for an hour between two
requests, or clocks differ by one. Knows nothing of aliases, nor of what is removed.
"""

import logging
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from uuid import uuid4

from mlopsproj_core.errors import RegistryError
from mlopsproj_core.model_version import ModelVersion
from mlopsproj_core.store import Store

logger = logging.getLogger(__name__)

VOID_SECONDS: Final = 3600
"""After which a note counts no more."""

_MOVING = "moving"
_REMOVING = "removing"
_NOTE = re.compile(r"(?P<number>[1-9][0-9]{0,17})/(?P<time>[0-9]{1,12})-[0-9a-f]{32}")


@contextmanager
def held(store: Store, version: ModelVersion) -> Iterator[None]:
    """Keep a version from being removed, e.g. until an alias points at it.

    Raises:
        RegistryError: if it is being removed.
    """
    with _note(store, version, _MOVING):
        if version.number in _noted(store, version.name, _REMOVING):
            raise RegistryError(
                f"{version} in {store.url} is being removed: choose another version; or, if"
                " `registry gc` was killed at it, try again an hour later, when its note is void."
            )
        yield


@contextmanager
def marked(store: Store, version: ModelVersion) -> Iterator[None]:
    """Say that a version is being removed; who does so asks `held_numbers` inside."""
    with _note(store, version, _REMOVING):
        yield


def held_numbers(store: Store, name: str) -> set[int]:
    """Versions of a model that somebody holds."""
    return _noted(store, name, _MOVING)


def sweep(store: Store, name: str) -> None:
    """Take away the notes of a model that are void."""
    for kind in (_MOVING, _REMOVING):
        for path in store.files(f"{name}/{kind}"):
            note = _NOTE.fullmatch(path)
            if note and not _counts(note):
                store.remove(f"{name}/{kind}/{path}")


@contextmanager
def _note(store: Store, version: ModelVersion, kind: str) -> Iterator[None]:
    path = f"{version.name}/{kind}/{version.number}/{int(time.time())}-{uuid4().hex}"
    store.create(path, b"")
    try:
        yield
    finally:
        try:
            store.remove(path)
        except RegistryError as error:  # what was done under it is done
            logger.warning("%s stays until it is void: %s", path, error)


def _noted(store: Store, name: str, kind: str) -> set[int]:
    notes = filter(None, map(_NOTE.fullmatch, store.files(f"{name}/{kind}")))
    return {int(note["number"]) for note in notes if _counts(note)}


def _counts(note: re.Match[str]) -> bool:
    return time.time() - int(note["time"]) < VOID_SECONDS
