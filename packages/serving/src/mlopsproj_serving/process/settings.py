"""What the environment says of a service. Read when a process starts, never on import.

A flag of a command is written into the environment first, so that every process of the service
reads the same. Knows nothing of what is done with a setting.
"""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from mlopsproj_core.errors import ConfigError
from mlopsproj_core.events import receiver
from mlopsproj_core.settings import Settings
from pydantic import AliasChoices, Field, ValidationError, field_validator
from pydantic_settings import SettingsError

from mlopsproj_serving.http.keys import KeyRing

Share = Annotated[float, "share", Field(ge=0, le=1)]
Positive = Annotated[int, Field(ge=1)]
Port = Annotated[int, "no unit", Field(ge=0, le=65535)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]

_OF_OTHERS: Final = {"config_dir", "wandb_registry"}  # inherited, and of no use to a service
_SECRET: Final = re.compile(r"([?&][^=&]*(?:password|secret|token)[^=&]*=)[^&]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One setting as it is shown.

    Attributes:
        variable: of the environment.
        value: as it would be written, but for secrets; empty if it is not set.
        help: one sentence.
    """

    variable: str
    value: str
    help: str


class ServiceSettings(Settings):
    """Environment variables that every service has, beside those that all commands read.

    An attribute `x` is the variable that a subclass's `env_prefix` and `X` make, unless a name
    stands beside it. A subclass says by which port it is reached, whose fallback is `$PORT`.
    """

    host: str = Field(
        default="127.0.0.1", description="Address to listen on; 0.0.0.0 is every one."
    )
    port: Port = Field(default=0, description="Port to listen on; 0 takes a free one.")
    keys: str | None = Field(
        default=None,
        description="NAME:SHA256 of keys that may ask; everybody may unless given.",
    )
    admin_keys: str | None = Field(
        default=None,
        validation_alias="MLOPSPROJ_ADMIN_KEYS",
        description="NAME:SHA256 of keys that may administer; nobody may unless given.",
    )
    database_url: str = Field(
        default="sqlite:///mlopsproj.db",
        validation_alias="MLOPSPROJ_DATABASE_URL",
        description="Database of the prediction log.",
    )
    body_seconds: Seconds = Field(default=30.0, description="Until a request has arrived.")
    proxies: str | None = Field(
        default=None,
        description="Addresses or networks of proxies whose X-Forwarded-For is believed, with"
        " commas between; none unless given.",
    )
    keep_alive_seconds: Positive = Field(
        default=75,
        description="That an idle connection is kept; more than a proxy in front keeps it.",
    )
    shutdown_seconds: Positive = Field(
        default=25, description="For answering what was accepted, when the service is to end."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Of the messages on stderr."
    )
    access_log: bool = Field(default=True, description="A line on stderr for each request.")

    registry_url: str = Field(
        default="./registry",
        validation_alias="MLOPSPROJ_REGISTRY_URL",
        description="Registry of the models, any fsspec URL.",
    )
    event_url: str = Field(
        default="log:",
        validation_alias="MLOPSPROJ_EVENT_URL",
        description="Who is told of events: webhook, github:// or log:.",
    )
    model: str | None = Field(
        default=None,
        validation_alias="MLOPSPROJ_MODEL",
        description="NAME, NAME@ALIAS or @ALIAS; the only model's production unless given.",
    )
    config_dir: Path | None = Field(
        default=None,
        validation_alias="MLOPSPROJ_CONFIG_DIR",
        description="Folder of the Hydra values.",
    )
    wandb_registry: str | None = Field(
        default=None,
        validation_alias="MLOPSPROJ_WANDB_REGISTRY",
        description="Where registry and train mirror versions at W&B; not read by the service.",
    )

    @field_validator("proxies")
    @classmethod
    def _addresses(cls, value: str | None) -> str | None:
        """Refuse names: a connection comes from an address, which they would never equal."""
        for part in () if value in {None, "*"} else (value or "").split(","):
            try:
                ip_network(part.strip(), strict=False)
            except ValueError:
                raise ValueError(
                    f'"{part.strip()}" is neither an address (10.0.0.1) nor a network (10.0.0.0/8);'
                    ' "*" alone believes everybody'
                ) from None
        return value

    @field_validator("log_level", mode="before")
    @classmethod
    def _lower(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @property
    def reference(self) -> str:
        """The model and alias that are meant, e.g. "fashion@production" or "@production"."""
        model = self.model or ""
        return model if "@" in model or ":" in model else f"{model}@production"

    def key_ring(self, name: str) -> KeyRing:
        """The keys of an attribute.

        Raises:
            ConfigError: if an entry is none, which the message does not hold.
        """
        try:
            return KeyRing.parse(getattr(self, name) or "")
        except ConfigError as error:
            raise ConfigError(f"{self.variable_of(name)} cannot be used. {error}") from None

    @classmethod
    def read(cls) -> Self:
        """What the environment says.

        Raises:
            ConfigError: naming each variable that cannot be used, and its value.
        """
        try:
            return cls()
        except ValidationError as error:
            wrong = [
                f"{cls._that_was_set(str(one['loc'][0]))} is {one['input']!r}: {one['msg']}."
                for one in error.errors()
            ]
            raise ConfigError(" ".join(wrong)) from error
        except SettingsError as error:
            raise ConfigError(f"The environment cannot be read: {error}.") from error

    @classmethod
    def variable_of(cls, name: str) -> str:
        """The environment variable that sets an attribute."""
        alias = cls.model_fields[name].validation_alias
        if isinstance(alias, AliasChoices):
            return str(alias.choices[0])
        return str(alias) if alias else f"{cls.model_config['env_prefix']}{name.upper()}"

    @classmethod
    def put_into_environment(cls, flags: Mapping[str, object]) -> None:
        """Let flags of the command count as variables, by attribute; None was not given."""
        for name, value in flags.items():
            if value is not None:
                os.environ[cls.variable_of(name)] = str(value)

    @classmethod
    def _that_was_set(cls, place: str) -> str:
        """Where a value came from; pydantic names a field that has no alias by its attribute."""
        if place == cls.variable_of("port") and not os.environ.get(place):
            return "PORT"
        return cls.variable_of(place) if place in cls.model_fields else place

    def shown(self, name: str) -> str:
        """The value of an attribute as it may be shown; empty if it is not set."""
        value = getattr(self, name)
        return without_path(value) if name == "event_url" else _shown(value)

    def table(self) -> list[SettingRow]:
        """Every setting of the service, its own first; secrets are not shown."""
        fields = type(self).model_fields
        names = [name for name in fields if name not in _OF_OTHERS]
        names.sort(key=_shared)
        return [
            SettingRow(
                self.variable_of(name),
                self.shown(name),
                fields[name].description or "",
            )
            for name in names
        ]

    def page(self, *, as_json: bool) -> str:
        """The same as text: a line each, or one JSON object of values."""
        rows = self.table()
        if as_json:
            return json.dumps({row.variable: row.value for row in rows}, indent=2)
        width = max(len(row.variable) for row in rows)
        return "\n".join(
            f"{row.variable:{width}}  {row.value or '-':24}  {row.help}" for row in rows
        )


def without_path(url: str) -> str:
    """The URL of a receiver of events as it may be shown: a webhook's path may be its secret."""
    try:
        told = receiver(url)
    except ConfigError:  # told where it is used
        return f"{url.partition(':')[0][:20]}:***"
    is_whole = not told.startswith("http") or told.lower() == url.rstrip("/").lower()
    return told if is_whole else f"{told}/***"


def without_password(url: str) -> str:
    """A URL that may be shown."""
    head, at, tail = url.rpartition("@")
    scheme, slashes, user = head.partition("://")
    if at and slashes:
        url = f"{scheme}{slashes}{user.partition(':')[0]}{at}{tail}"
    return _SECRET.sub(r"\1***", url)


def _shared(name: str) -> int:
    """How many read a setting: the address that a service listens on stands before all else."""
    if name in {"host", "port"}:
        return 0
    return 1 + (name in ServiceSettings.model_fields) + (name in Settings.model_fields)


def _shown(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return without_password(str(value))
