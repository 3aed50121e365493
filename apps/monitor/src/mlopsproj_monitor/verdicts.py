"""What a check may say, and how a command that makes one ends. Knows nothing of checks."""

from typing import Final

DRIFT: Final = "drift"
NO_DRIFT: Final = "no drift"
NOT_ENOUGH_DATA: Final = "not enough data"

EXIT_CODES: Final = {NO_DRIFT: 0, DRIFT: 3, NOT_ENOUGH_DATA: 4}
