"""How large a window is, and how far it moves. Knows nothing of what is in it."""

import math
from dataclasses import dataclass
from typing import Final

from mlopsproj_core.errors import ConfigError

MOST_STEPS: Final = 1000
"""Of one window: so many sums are in memory at once."""

LONGEST_HOURS: Final = 876_000.0
"""A hundred years: farther back there are no dates at last."""

SHORTEST_HOURS: Final = 1 / 3600
"""A second, of a window or a step."""

_ROUNDING: Final = 1e-9


@dataclass(frozen=True)
class WindowConfig:
    """By count or by time.

    Attributes:
        images: so many predictions; None where `hours` says how large it is.
        hours: of so much time.
        step: by which it moves, in images or hours; None if windows do not overlap. It divides the
            window.

    Raises:
        ConfigError: if they cannot be used.
    """

    images: int | None = 1000
    hours: float | None = None
    step: float | None = None

    def __post_init__(self) -> None:
        if (self.images is None) == (self.hours is None):
            raise ConfigError(
                f"A window of images={self.images} and hours={self.hours} cannot be used: give one"
                " of the two and None for the other."
            )
        if not (math.isfinite(self.size) and self.size > 0):
            raise ConfigError(
                f"A window of {self.size:g} {self.unit} cannot be used: give more than 0."
            )
        if self.images is None and not SHORTEST_HOURS <= self.size <= LONGEST_HOURS:
            raise ConfigError(
                f"A window of {self.size:g} hours cannot be used: give a second (1/3600) to a"
                f" hundred years ({LONGEST_HOURS:,.0f})."
            )
        if self.step is None:
            return
        steps = self.size / self.step if self.step > 0 else 0.0
        is_whole = self.images is None or self.step == int(self.step)
        if not (is_whole and steps >= 1 and abs(steps - round(steps)) < _ROUNDING):
            raise ConfigError(
                f"A step of {self.step:g} {self.unit} cannot be used for windows of {self.size:g}:"
                f" give {'a whole number' if self.hours is None else 'one'} that divides it."
            )
        if self.images is None and self.step < SHORTEST_HOURS:
            raise ConfigError(
                f"A step of {self.step:g} hours cannot be used: give at least a second (1/3600)."
            )
        if steps > MOST_STEPS:
            raise ConfigError(
                f"A step of {self.step:g} {self.unit} is too small for windows of {self.size:g}:"
                f" give at least {self.size / MOST_STEPS:g}."
            )

    @property
    def size(self) -> float:
        """In images or hours."""
        return float((self.hours if self.images is None else self.images) or 0)

    @property
    def unit(self) -> str:
        """Of `size` and `step`."""
        return "hours" if self.images is None else "images"

    @property
    def steps(self) -> int:
        """In one window."""
        return 1 if self.step is None else round(self.size / self.step)
