"""What each gate accepts: the defaults, and what a team sets once by its environment.

Knows nothing of how anything is measured.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from typing import Annotated, Any, Final

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
_RATIOS = ("latency_ratio", "size_ratio")
_AMOUNTS = (*_RATIOS, "latency_seconds")


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

    margin: Annotated[float, "share"] = MARGIN
    class_margin: Annotated[float, "share"] = 0.1
    calibration_margin: Annotated[float, "share"] = 0.02
    robustness_margin: Annotated[float, "share"] = ROBUSTNESS_MARGIN
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
                stand in `MLOPSPROJ_GATE_WITHOUT`, separated by commas. All of it must be usable,
                also what is given otherwise: a limit that is misspelt would not be there.
            without: gates that are off beside those.
            given: limits by their name; None where it is left to the environment.

        Raises:
            ConfigError: if a value cannot be used, naming its variable where it comes from there,
                or there is no such variable.
        """
        known = {_variable(field.name): field.name for field in fields(cls)}
        values: dict[str, Any] = {}
        for variable, text in sorted(environment.items()):
            if not variable.startswith(PREFIX):
                continue
            if variable not in known:
                raise ConfigError(_unknown(variable, known))
            if not text.strip():
                continue
            name = known[variable]
            values[name] = _off(text) if name == "without" else _number(variable, text)
            try:
                cls(**{name: values[name]})
            except ConfigError as error:
                raise ConfigError(f"{variable} cannot be used. {error}") from None
        values |= {name: value for name, value in given.items() if value is not None}
        return cls(**{**values, "without": (*values.get("without", ()), *without)})

    def looser_than(self, usual: "GateLimits") -> tuple[str, ...]:
        """What is accepted here and not there, each in a few words.

        Args:
            usual: what is accepted where nobody says otherwise.
        """
        off = dict.fromkeys(gate for gate in self.without if gate not in usual.without)
        told = [f"without {', '.join(off)}"] if off else []
        for name in (*_LOSSES, *_RATIOS):
            ours, theirs = getattr(self, name), getattr(usual, name)
            if ours > theirs:
                told.append(f"{name} {ours:g} instead of {theirs:g}")
        return tuple(told)


def _default(name: str) -> object:
    return next(field.default for field in fields(GateLimits) if field.name == name)


def _variable(name: str) -> str:
    return f"{PREFIX}{name.upper()}"


def _unknown(variable: str, known: Mapping[str, str]) -> str:
    near = get_close_matches(variable, known, n=1, cutoff=0.0)
    return f"There is no variable {variable}: {near[0]} is meant, or unset it."


def _off(text: str) -> tuple[str, ...]:
    return tuple(text.replace(",", " ").split())


def _number(variable: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ConfigError(f"{variable}={text}: give a number, e.g. 0.01.") from None
