"""The page of the environment: every variable that a command reads. Knows nothing of values."""

from dataclasses import fields
from enum import Enum
from typing import Any, Final, get_type_hints

from mlopsproj_api.settings import ApiSettings
from mlopsproj_core.settings import Settings
from mlopsproj_doctor.variables import KNOWN
from mlopsproj_evaluation.gates.limits import PREFIX, GateLimits
from mlopsproj_monitor.settings import MonitorSettings
from mlopsproj_serving.process.settings import ServiceSettings

from reference_pages.described import UndescribedError, attributes, described, type_name
from reference_pages.markdown import code, sentence, table
from reference_pages.units import unit_of

Row = tuple[str, str, str, str, str]

_HEAD: Final = ("variable", "type", "default", "unit", "meaning")
_INTRODUCTION: Final = """\
# Environment variables

Every variable that a command reads. An empty one counts as unset, and the case of a name does not
count. `api settings` and `monitor settings` show the values that count here, and `doctor` names a
variable that nothing reads. A switch is `1` or `0`.
"""
_COMMON: Final = """\
## All commands
"""
_GATES: Final = """\
## Gates

What [a promotion accepts](../concepts/judging.md#the-gates), by `registry promote` and over HTTP;
a flag counts more.
"""
_OTHERS: Final = """\
## Of others

`PORT` is the port of a service where its own variable is not set. `GITHUB_TOKEN` and
`GITHUB_API_URL` count for events to GitHub, `OTEL_…` for [traces](../concepts/serving.md),
`WANDB_…` for Weights & Biases, `XDG_CACHE_HOME` for where models of a registry elsewhere are
kept, and `OMP_NUM_THREADS` for how many threads compute. A retraining that is a command is told
of its event in `MLOPSPROJ_EVENT`.
"""


def rows() -> dict[str, list[Row]]:
    """Rows of each section, by the heading that is its reader.

    Raises:
        UndescribedError: if a variable has no description or, as a number, no unit; or if one is
            left out or made up.
    """
    told = {
        "all": _common(),
        "api": _service(ApiSettings),
        "monitor": _service(MonitorSettings),
        "gates": _gates(),
    }
    names = {row[0].strip("`") for section in told.values() for row in section}
    if names != KNOWN.keys():
        raise UndescribedError(f"{names ^ KNOWN.keys()}: read, or known to doctor, not both.")
    return told


def page() -> str:
    """The page."""
    told = rows()
    return "\n".join(
        [
            *(_INTRODUCTION, _COMMON, table(_HEAD, told["all"])),
            *("## api\n", table(_HEAD, told["api"])),
            *("## monitor\n", table(_HEAD, told["monitor"])),
            *(_GATES, table(_HEAD, told["gates"]), _OTHERS),
        ]
    )


def _common() -> list[Row]:
    descriptions = attributes(Settings)
    return [
        _row(f"{Settings.model_config['env_prefix']}{name}", field, descriptions.get(name))
        for name, field in Settings.model_fields.items()
    ]


def _service(kind: type[ServiceSettings]) -> list[Row]:
    return [
        _row(kind.variable_of(name), field, field.description)
        for name, field in kind.model_fields.items()
        if name not in Settings.model_fields
    ]


def _gates() -> list[Row]:
    told = attributes(GateLimits)
    hints = get_type_hints(GateLimits, include_extras=True)
    return [
        (
            code(f"{PREFIX}{item.name.upper()}"),
            type_name(hints[item.name]),
            _default(item.default),
            unit_of(item.name, hints[item.name]),
            sentence(described(told.get(item.name), f"GateLimits.{item.name}")),
        )
        for item in fields(GateLimits)
    ]


def _row(variable: str, field: Any, description: str | None) -> Row:
    variable = variable.upper()
    return (
        code(variable),
        type_name(field.annotation).replace(" or none", ""),
        _default(field.default),
        unit_of(variable.lower(), field.rebuild_annotation()),
        sentence(described(description, variable).removeprefix(f"{code(variable)}, ")),
    )


def _default(value: object) -> str:
    if value in (None, ()):
        return "none"
    if isinstance(value, bool):
        return code(int(value))
    return code(value.value if isinstance(value, Enum) else value)
