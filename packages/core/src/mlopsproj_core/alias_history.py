"""An alias of a model: the list of its moves, the last of which says where it points.

    {name}/aliases/{alias}/{sequence}.json

A move is made by exclusive creation of the next file, so that none is lost and none overwritten.
Knows nothing of what a version holds, nor whether there is one.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID, uuid4

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from mlopsproj_core.errors import RegistryError, StaleError
from mlopsproj_core.printing import printable
from mlopsproj_core.store import Store

_ENDING = ".json"
# They stand in the file's path.
_IN_PATH = {"alias", "sequence"}


class AliasMove(BaseModel):
    """One entry of an alias's history.

    Who may write the registry may have written anything there: it is told in one line.

    Attributes:
        alias: e.g. "production".
        sequence: 1, 2, 3, …
        id: tells this move from every other, in any registry.
        version: that the alias points at since.
        actor: who moved it.
        reason: why.
        rollback: whether it undoes the move before, rather than adds to the history.
        gates: what was judged then, with its figures.
        time: UTC.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    alias: str
    sequence: Annotated[int, Field(ge=1)]
    id: UUID
    version: Annotated[int, Field(ge=1)]
    actor: Annotated[str, AfterValidator(printable)]
    reason: Annotated[str, AfterValidator(printable)]
    rollback: bool = False
    gates: tuple[dict[str, Any], ...] = ()
    time: AwareDatetime


def trail(moves: Sequence[AliasMove]) -> list[int]:
    """Versions that rollbacks go back along, the present one last.

    A move to another version is put on top; a rollback takes from the top what lies above its own.
    """
    versions: list[int] = []
    for move in moves:
        if move.rollback:
            del versions[-1:]
            while versions and versions[-1] != move.version:
                del versions[-1]
        if versions[-1:] != [move.version]:
            versions.append(move.version)
    return versions


class AliasHistory:
    """The moves of one alias in a store; each is read once, since none ever changes."""

    def __init__(self, store: Store, name: str, alias: str) -> None:
        """Take a name and an alias that were checked to be parts of a path."""
        self._store = store
        self._alias = alias
        self._called = f"{name}@{alias}"
        self._folder = f"{name}/aliases/{alias}"
        self._known: dict[int, AliasMove] = {}

    def moves(self) -> list[AliasMove]:
        """All, the oldest first.

        Raises:
            RegistryError: if one cannot be read, naming its file.
        """
        return [self._read(sequence) for sequence in self._sequences()]

    def last(self) -> AliasMove | None:
        """The move that counts; earlier ones are not read.

        Raises:
            RegistryError: if it cannot be read, naming its file.
        """
        sequences = self._sequences()
        return self._read(sequences[-1]) if sequences else None

    def append(
        self,
        *,
        version: int,
        actor: str,
        reason: str,
        gates: Sequence[Mapping[str, Any]] = (),
        rollback: bool = False,
        expected_sequence: int | None = None,
    ) -> AliasMove:
        """Add a move behind the last.

        Args:
            version: that the alias shall point at.
            actor: who moves it.
            reason: why.
            gates: what was judged, with its figures.
            rollback: whether it undoes the move before.
            expected_sequence: of the last, 0 for none; whatever it be, unless given.

        Raises:
            StaleError: if another move came after `expected_sequence`.
        """
        last = max(self._sequences(), default=0)
        while True:
            if expected_sequence is not None and last != expected_sequence:
                raise StaleError(
                    f"{self._called} was moved meanwhile (move {last}, not {expected_sequence}):"
                    " look at it again."
                )
            move = AliasMove(
                alias=self._alias,
                sequence=last + 1,
                id=uuid4(),
                version=version,
                actor=_unicode(actor),
                reason=_unicode(reason),
                rollback=rollback,
                gates=tuple(dict(gate) for gate in gates),
                time=datetime.now(UTC),
            )
            content = move.model_dump_json(indent=2, exclude=_IN_PATH).encode()
            try:
                self._store.create(self._path(move.sequence), content)
            except FileExistsError:
                last = move.sequence
            else:
                return move

    def _sequences(self) -> list[int]:
        return self._store.numbers(self._folder, _ENDING)

    def _path(self, sequence: int) -> str:
        return f"{self._folder}/{sequence}{_ENDING}"

    def _read(self, sequence: int) -> AliasMove:
        if sequence not in self._known:
            self._known[sequence] = self._parsed(sequence)
        return self._known[sequence]

    def _parsed(self, sequence: int) -> AliasMove:
        path = self._path(sequence)
        try:
            content = json.loads(self._store.read(path))
            known = {"alias": self._alias, "sequence": sequence}
            return AliasMove.model_validate({**content, **known})
        except (FileNotFoundError, TypeError, ValueError) as error:
            raise RegistryError(
                f"{self._store.url}/{path} is no move of an alias ({error}): restore it from a"
                f" backup; or, if it is the last one, remove it and move {self._called} again."
            ) from error


def _unicode(text: str) -> str:
    """The same, but bytes that were no Unicode are told by their codes."""
    return text.encode("utf-8", "backslashreplace").decode()
