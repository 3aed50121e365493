"""The settings that a sweep searches: read from YAML, held against the schema of a run.

    optimizer.lr: {low: 1e-4, high: 3e-2, log: true}
    trainer.batch_size: {low: 32, high: 256, step: 32}
    model.loss.label_smoothing: {choices: [0.0, 0.1]}

Keys may be nested instead of dotted. Knows nothing of how values are proposed.
"""

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from enum import Enum
from typing import Any, cast

from mlopsproj_core.errors import ConfigError
from omegaconf import FloatNode, IntegerNode, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from mlopsproj_train.arguments import as_value
from mlopsproj_train.config import TrainConfig
from mlopsproj_train.hydra_command import composable

_RANGE = frozenset({"low", "high", "log", "step"})
_WORDS = _RANGE | {"choices"}
_EXAMPLE = "'+space.optimizer.lr={low: 1e-3, high: 3e-2, log: true}'"
_DIGITS = 4
"""Significant ones of a value from a continuous range: the command that is shown is what ran."""

_UNLEARNED = "does not change what is learned"
_FIXED = {
    "data": "decides which images a trial is judged on",
    **dict.fromkeys(("logger", "run_dir", "registry", "resume", "profile", "output"), _UNLEARNED),
}
_SEARCHED_DATA = ("data.image_size", "data.channels", "data.balanced_sampling", "data.augment.")

Label = None | bool | int | float | str
"""A value as a study keeps it: a number, or one of several choices."""


@dataclass(frozen=True)
class Range:
    """Numbers from low to high, both included.

    Attributes:
        low: smallest.
        high: largest.
        log: small values are as likely as large ones.
        step: between neighbours, from low on; None leaves none out.
        whole: integers only.
    """

    low: float
    high: float
    log: bool
    step: float | None
    whole: bool

    @property
    def size(self) -> float:
        """How many values there are."""
        step = self.step or (1 if self.whole else None)
        return math.inf if step is None else 1 + round((self.high - self.low) / step)

    def draw(self, source: random.Random) -> float:
        """One of the values, each as likely."""
        step = self.step or (1 if self.whole and not self.log else None)
        if step is not None:
            number = self.low + step * source.randrange(int(self.size))
        elif self.log:
            number = math.exp(source.uniform(math.log(self.low), math.log(self.high)))
        else:
            number = source.uniform(self.low, self.high)
        number = min(max(number, self.low), self.high)
        return round(number) if self.whole else number

    def value(self, label: Label) -> float:
        """What a run is told for a number: of a continuous range, with few digits."""
        assert isinstance(label, int | float)  # noqa: S101 (a study keeps what a range gave)
        if self.whole:
            return int(label)
        number = float(f"{label:.{_DIGITS if self.step is None else 12}g}")
        return min(max(number, self.low), self.high)


@dataclass(frozen=True)
class Choices:
    """Some values of any type.

    Attributes:
        values: what a run is told, by how a study calls it.
    """

    values: dict[Label, Any]

    @property
    def size(self) -> float:
        """How many values there are."""
        return len(self.values)

    def draw(self, source: random.Random) -> Label:
        """One of them, each as likely."""
        return source.choice(list(self.values))

    def value(self, label: Label) -> Any:
        """What a run is told."""
        return self.values[label]


@dataclass(frozen=True)
class SearchSpace:
    """What is searched around one run.

    Attributes:
        base: the run, with the values of all that is not searched.
        parameters: by the dotted key of the setting.
    """

    base: TrainConfig
    parameters: dict[str, Range | Choices]

    @classmethod
    def read(cls, document: Mapping[str, Any], base: TrainConfig) -> "SearchSpace":
        """Hold what a user wrote against the schema.

        Args:
            document: dotted or nested keys to ranges and choices.
            base: the run whose settings are searched.

        Raises:
            ConfigError: naming the key, what is wrong with it, and how to mend it.
        """
        leaves: dict[str, dict[str, Any]] = {}
        for key, words in _leaves(document, ""):
            leaves.setdefault(key, {}).update(words)  # `+space.KEY.high=…` changes one of a file
        if not leaves:
            raise ConfigError(f"The search space is empty: give space=small, or e.g. {_EXAMPLE}.")
        return cls(base, {key: _parameter(base, key, words) for key, words in leaves.items()})

    @property
    def size(self) -> float:
        """How many combinations there are; infinite where a range is continuous."""
        return math.prod(parameter.size for parameter in self.parameters.values())

    def document(self) -> dict[str, Any]:
        """What `read` takes, as plain values: to be kept, and to be compared."""
        return {key: _words(parameter) for key, parameter in self.parameters.items()}

    def draw(self, source: random.Random) -> dict[str, Label]:
        """A combination, each as likely."""
        return {key: parameter.draw(source) for key, parameter in self.parameters.items()}

    def settings(self, labels: Mapping[str, Label]) -> dict[str, str]:
        """The values of a combination as a user would type them, by key."""
        return {
            key: as_value(parameter.value(labels[key]))
            for key, parameter in self.parameters.items()
            if key in labels
        }

    def run(self, labels: Mapping[str, Label]) -> TrainConfig:
        """The run of a combination."""
        config: Any = self.base
        for key, parameter in self.parameters.items():
            config = _replaced(config, key.split("."), parameter.value(labels[key]))
        return cast("TrainConfig", config)

    def corners(self) -> Iterator[tuple[str, TrainConfig]]:
        """The run at each end of each range and at each choice, and how it is told."""
        for key, parameter in self.parameters.items():
            labels: Sequence[Label] = (
                [*parameter.values]
                if isinstance(parameter, Choices)
                else (parameter.low, parameter.high)
            )
            for label in labels:
                value = parameter.value(label)
                yield f"{key}={as_value(value)}", _replaced(self.base, key.split("."), value)


def _typed(base: TrainConfig, key: str, value: object) -> Any:
    """`value` as the schema takes it at a dotted key.

    Raises:
        ConfigError: if it is of another type.
    """
    parent, _, name = key.rpartition(".")
    try:
        merged = OmegaConf.merge(composable(type(_at(base, parent))), {name: value})
        return getattr(OmegaConf.to_object(merged), name)
    except OmegaConfBaseException as error:
        raise ConfigError(f"space: {key}={value}: {str(error).splitlines()[0]}.") from error


def _replaced(config: Any, path: Sequence[str], value: object) -> Any:
    """`config` with another value, which is of the right type, at the path of a key."""
    name, *rest = path
    return replace(
        config, **{name: _replaced(getattr(config, name), rest, value) if rest else value}
    )


def _leaves(document: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, child in document.items():
        key = f"{prefix}{name}"
        if not isinstance(child, Mapping):
            raise ConfigError(
                f"space: {key}={child} is no range: give {{low: …, high: …}} or {{choices: […]}}."
            )
        if not child or _WORDS & child.keys():
            yield key, dict(child)
        else:
            yield from _leaves(child, f"{key}.")


def _parameter(base: TrainConfig, key: str, words: dict[str, Any]) -> Range | Choices:
    _check_key(base, key)
    strange = [str(word) for word in words if word not in _WORDS]
    if strange or ("choices" in words) == bool(_RANGE & words.keys()):
        said = f"it has {', '.join(map(str, words)) or 'nothing'}"
        raise ConfigError(
            f"space: {key}: give low and high (and log or step, if at all), or choices; {said}."
        )
    return _choices(base, key, words["choices"]) if "choices" in words else _range(base, key, words)


def _check_key(base: TrainConfig, key: str) -> None:
    node: Any = base
    for name in key.split("."):
        known = {field.name for field in fields(node)} if is_dataclass(node) else set()
        if name not in known:
            raise ConfigError(
                f"space: {key}: there is no such setting; `train --help` shows those that there"
                " are."
            )
        node = getattr(node, name)
    reason = _FIXED.get(key.partition(".")[0])
    if reason and not f"{key}.".startswith(_SEARCHED_DATA):
        raise ConfigError(f"space: {key} {reason}: leave it out, and give it as a setting.")
    if is_dataclass(node):
        raise ConfigError(f"space: {key} holds several settings: name one, e.g. {key}.….")


def _choices(base: TrainConfig, key: str, given: object) -> Choices:
    if not isinstance(given, Sequence) or isinstance(given, str) or not given:
        raise ConfigError(f"space: {key}: choices={given} is no list with a value in it.")
    values: dict[Label, Any] = {}
    for choice in given:
        value = _typed(base, key, choice)
        plain = value.value if isinstance(value, Enum) else value
        label = plain if isinstance(plain, Label) else as_value(value)
        if label in values:
            raise ConfigError(f"space: {key}: the choice {as_value(value)} is there twice.")
        values[label] = value
    return Choices(values)


def _range(base: TrainConfig, key: str, words: dict[str, Any]) -> Range:
    whole = _is_whole(base, key)
    low, high, step = (
        _number(key, word, words.get(word), whole=whole) for word in ("low", "high", "step")
    )
    log = words.get("log", False)
    if low is None or high is None:
        raise ConfigError(f"space: {key}: a range needs low and high.")
    if not isinstance(log, bool):
        raise ConfigError(f"space: {key}: log={log}: give true or false.")
    if not low < high:
        raise ConfigError(f"space: {key}: low={low} is not below high={high}.")
    if log and low <= 0:
        raise ConfigError(f"space: {key}: low={low}: with log=true it must be above 0.")
    if log and step is not None:
        raise ConfigError(f"space: {key}: give log or step, not both.")
    if step is not None:
        _check_step(key, low, high, step)
    return Range(low, high, log, step, whole)


def _check_step(key: str, low: float, high: float, step: float) -> None:
    if not step > 0:
        raise ConfigError(f"space: {key}: step={step}: give more than 0.")
    steps = (high - low) / step
    if steps < 1 or not math.isclose(steps, round(steps), rel_tol=1e-9):
        raise ConfigError(
            f"space: {key}: high={high} is not low={low} and some steps of {step} more."
        )


def _is_whole(base: TrainConfig, key: str) -> bool:
    """Whether the setting takes integers only.

    Raises:
        ConfigError: if it takes no numbers.
    """
    parent, _, name = key.rpartition(".")
    leaf = composable(type(_at(base, parent)))._get_node(name)  # noqa: SLF001 (the node itself; its value may be missing)
    if isinstance(leaf, IntegerNode | FloatNode):
        return isinstance(leaf, IntegerNode)
    raise ConfigError(f"space: {key} takes no numbers: give {{choices: […]}}.")


def _number(key: str, word: str, value: object, *, whole: bool) -> float | None:
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        return value if whole else float(value)
    if isinstance(value, float) and math.isfinite(value) and not whole:
        return value
    raise ConfigError(
        f"space: {key}: {word}={value}: give {'an integer' if whole else 'a finite number'}."
    )


def _at(config: Any, key: str) -> Any:
    for name in filter(None, key.split(".")):
        config = getattr(config, name)
    return config


def _words(parameter: Range | Choices) -> dict[str, Any]:
    if isinstance(parameter, Choices):
        values = parameter.values.values()
        return {"choices": [v.value if isinstance(v, Enum) else v for v in values]}
    words: dict[str, Any] = {"low": parameter.low, "high": parameter.high}
    if parameter.log:
        words["log"] = True
    if parameter.step is not None:
        words["step"] = parameter.step
    return words
