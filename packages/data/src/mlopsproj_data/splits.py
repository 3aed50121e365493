"""Which split an image belongs to: decided by a hash of itself, so that nothing ever moves.

An image's split depends on its group (else its content) and on the fractions, never on the other
images: adding images leaves the old ones where they were. Knows nothing of files.
"""

import hashlib
from typing import Final

from mlopsproj_core.errors import ConfigError

TRAIN: Final = "train"
VALIDATION: Final = "validation"
TEST: Final = "test"
SPLITS: Final = (TRAIN, VALIDATION, TEST)

TEST_FRACTION: Final = 0.15
"""Of the images of a source that has no test set of its own."""

_SALT = b"mlopsproj split 1:"
_POINTS = 2**64


def position(key: str) -> float:
    """Where a group or content id lies between 0 and 1; uniform, and the same for ever."""
    digest = hashlib.sha256(_SALT + key.encode()).digest()
    return int.from_bytes(digest[:8], "big") / _POINTS


def choose_split(key: str, given: str | None, validation_fraction: float) -> str:
    """The split of an image.

    Args:
        key: its group, else its content id.
        given: by the source; validation and test are kept, train is divided.
        validation_fraction: of what is not test.
    """
    if given in (VALIDATION, TEST):
        return given
    point = position(key)
    if given is None:
        # Test is taken from the far end, so that validation stays what it is with a given test.
        if point >= 1 - TEST_FRACTION:
            return TEST
        point /= 1 - TEST_FRACTION
    return VALIDATION if point < validation_fraction else TRAIN


def check_fraction(validation_fraction: float) -> None:
    """Refuse a fraction that leaves no training or no validation images.

    Raises:
        ConfigError: unless it lies between 0 and 0.9.
    """
    if not 0 < validation_fraction <= 0.9:  # noqa: PLR2004 (said in the message)
        raise ConfigError(
            f"data.validation_fraction={validation_fraction}: give more than 0 and at most 0.9."
        )
