"""Which split an image belongs to: decided by a hash of itself, so that nothing ever moves.

An image's split depends on its group (else its content) and on the fractions, never on the other
images: adding images leaves the old ones where they were. Classes that are too rare for that are
the business of `balance`.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any, Final, Self

from mlopsproj_core.errors import ConfigError

from mlopsproj_data.records import LabelledSource
from mlopsproj_data.split_ledger import Choices

TRAIN: Final = "train"
VALIDATION: Final = "validation"
TEST: Final = "test"
SPLITS: Final = (TRAIN, VALIDATION, TEST)

TEST_FRACTION: Final = 0.15
"""Of the images of a source that has no test set of its own."""

TEST_CHOICE: Final = "test"
"""Name of the choice between test and the rest."""

_SALT = b"mlopsproj split 1:"
_POINTS = 2**64


def position(key: str) -> float:
    """Where a group or content id lies between 0 and 1; uniform, and the same for ever."""
    digest = hashlib.sha256(_SALT + key.encode()).digest()
    return int.from_bytes(digest[:8], "big") / _POINTS


def validation_choice(validation_fraction: float) -> str:
    """Name of the choice between validation and train: another one for each fraction."""
    return f"validation {validation_fraction}"


def choose_split(
    key: str, given: str | None, validation_fraction: float, recorded: Choices | None = None
) -> str:
    """The split of an image.

    Args:
        key: its group, else its content id.
        given: by the source; validation and test are kept, train is divided.
        validation_fraction: of what is not test; 0 where the source gives validation images.
        recorded: choices that the hash does not make.
    """
    if given in (VALIDATION, TEST):
        return given
    recorded = recorded or {}
    point = position(key)
    if given is None:
        # Test is taken from the far end, so that validation stays what it is with a given test.
        if recorded.get((TEST_CHOICE, key), point >= 1 - TEST_FRACTION):
            return TEST
        point /= 1 - TEST_FRACTION
    choice = validation_choice(validation_fraction), key
    return VALIDATION if recorded.get(choice, point < validation_fraction) else TRAIN


@dataclass(frozen=True)
class Chooser:
    """Chooses splits for the records of a source, one by one, as far as that can be told then.

    Attributes:
        validation_fraction: of what is not test; 0 where the source gives validation images.
        recorded: choices that the hash does not make.
    """

    validation_fraction: float
    recorded: Choices

    @classmethod
    def of(cls, source: LabelledSource, validation_fraction: float, recorded: Choices) -> Self:
        """For a source of files, which says at once whether it gives validation images.

        Of images in memory, reading them all would take longer than moving a few afterwards.
        """
        records = takewhile(lambda record: isinstance(record.image, Path), source.records())
        given = any(record.split == VALIDATION for record in records)
        return cls(0.0 if given else validation_fraction, recorded)

    def choose_all(self, facts: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        """Facts of records with the split of each; null with a problem."""
        return [{**row, "split": self._choose(row)} for row in facts]

    def _choose(self, row: dict[str, Any]) -> str | None:
        if row["problem"] is not None:
            return None
        key = row["group"] or row["id"]
        return choose_split(key, row["given"], self.validation_fraction, self.recorded)


def check_fraction(validation_fraction: float) -> None:
    """Refuse a fraction that leaves no training or no validation images.

    Raises:
        ConfigError: unless it lies between 0 and 0.9.
    """
    if not 0 < validation_fraction <= 0.9:  # noqa: PLR2004 (said in the message)
        raise ConfigError(
            f"data.validation_fraction={validation_fraction}: give more than 0 and at most 0.9."
        )
