"""What each gate accepts: the defaults, and what a team sets once by its environment.

Knows nothing of how anything is measured.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Final

from mlopsproj_core.errors import ConfigError

from mlopsproj_evaluation.comparison import MARGIN
from mlopsproj_evaluation.robustness.comparison import ROBUSTNESS_MARGIN

PREFIX: Final = "MLOPSPROJ_GATE_"

SWITCHABLE: Final = (
    "data",
    "parity",
    "accuracy",
    "classes",
    "calibration",
    "robustness",
    "size",
    "latency",
)
"""Gates that may be switched off: all but `bundle`, since what is broken can serve nobody."""

_LOSSES = ("margin", "class_margin", "calibration_margin", "robustness_margin")
_AMOUNTS = ("latency_ratio", "latency_seconds", "size_ratio")


@dataclass(frozen=True)
class GateLimits:
    """What a candidate may be worse by than the version in place, and which gates are not asked.

    Attributes:
        margin: loss of accuracy, of a compressed version also against its parent; 0 to below 1.
        class_margin: fall of the recall of any class, 0 to below 1.
        calibration_margin: larger expected calibration error, 0 to below 1.
        robustness_margin: loss of mean accuracy under corruptions, 0 to below 1.
        size_ratio: bytes of the graph for each byte of the other.
        latency_ratio: seconds of an inference for each second of the other.
        latency_seconds: after which a measurement at one size of batch stays undecided.
        without: names of gates that are off.

    Raises:
        ConfigError: if one of them cannot be used.
    """

    margin: float = MARGIN
    class_margin: float = 0.1
    calibration_margin: float = 0.02
    robustness_margin: float = ROBUSTNESS_MARGIN
    size_ratio: float = 1.25
    latency_ratio: float = 1.25
    latency_seconds: float = 8.0
    without: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in _LOSSES:
            value = getattr(self, name)
            if not 0 <= value < 1:  # also what is not a number
                raise ConfigError(
                    f"{name}={value}: give the loss that is accepted, from 0 to below 1, e.g."
                    f" {_default(name)}."
                )
        for name in _AMOUNTS:
            value = getattr(self, name)
            if not 0 < value < math.inf:
                raise ConfigError(f"{name}={value}: give more than 0, e.g. {_default(name)}.")
        unknown = [name for name in self.without if name not in SWITCHABLE]
        if unknown:
            raise ConfigError(
                f"without={unknown[0]}: no such gate can be switched off; these can:"
                f" {', '.join(SWITCHABLE)}."
            )

    @classmethod
    def from_environment(
        cls, environment: Mapping[str, str], *, without: tuple[str, ...] = (), **given: float | None
    ) -> "GateLimits":
        """What is given counts, else the variable `MLOPSPROJ_GATE_…`, else the default.

        Args:
            environment: e.g. `os.environ`; an empty variable counts as unset. Gates that are off
                stand in `MLOPSPROJ_GATE_WITHOUT`, separated by commas.
            without: gates that are off beside those.
            given: limits by their name; None where it is left to the environment.

        Raises:
            ConfigError: if a value cannot be used, naming its variable where it comes from there.
        """
        values = {name: value for name, value in given.items() if value is not None}
        for name in (*_LOSSES, *_AMOUNTS):
            text = environment.get(f"{PREFIX}{name.upper()}", "").strip()
            if text and name not in values:
                values[name] = _number(f"{PREFIX}{name.upper()}", text)
        off = environment.get(f"{PREFIX}WITHOUT", "").replace(",", " ").split()
        return cls(**values, without=(*off, *without))


def _default(name: str) -> object:
    return next(field.default for field in fields(GateLimits) if field.name == name)


def _number(variable: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ConfigError(f"{variable}={text}: give a number, e.g. 0.01.") from None
