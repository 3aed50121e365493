"""What the environment says of the api. Read when a process starts, never on import.

A flag of the command is written into the environment first, so that every process of the service
reads the same. Knows nothing of what is done with a setting.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal

from mlopsproj_core.errors import ConfigError
from mlopsproj_core.settings import Settings
from pydantic import AliasChoices, Field, ValidationError, field_validator
from pydantic_settings import NoDecode, SettingsConfigDict, SettingsError

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]

PORT_VARIABLE = "MLOPSPROJ_API_PORT"

_OWN = "MLOPSPROJ_API_"
_OF_OTHERS = {"config_dir", "wandb_registry"}  # inherited, and of no use to a service
_SECRET = re.compile(r"([?&][^=&]*(?:password|secret|token)[^=&]*=)[^&]*", re.IGNORECASE)


class ApiSettings(Settings):
    """Environment variables of the api, beside those that others read too.

    An attribute `x` is the variable `MLOPSPROJ_API_X`, unless a name stands beside it.
    """

    host: str = Field(
        default="127.0.0.1", description="Address to listen on; 0.0.0.0 is every one."
    )
    port: int = Field(
        default=8000,
        validation_alias=AliasChoices(PORT_VARIABLE, "PORT"),
        ge=0,
        le=65535,
        description="Port to listen on; 0 takes a free one.",
    )
    workers: Positive = Field(default=1, description="Processes.")
    threads: Positive | None = Field(
        default=None, description="Threads that compute, in each process; its share of the cores."
    )
    scheduling: Literal["auto", "single", "batches"] = Field(
        default="auto", description="Images one by one, or in batches; auto measures both."
    )
    max_batch: Positive = Field(default=16, description="Images in a batch.")
    queue_images: Positive = Field(
        default=256, description="Images that may wait in a process; beyond, requests are refused."
    )
    max_body_bytes: Positive = Field(default=32 * 1024 * 1024, description="Of a request.")
    max_held_bytes: Positive = Field(
        default=512 * 1024 * 1024,
        description="Of all requests at one process together; beyond, requests are refused.",
    )
    max_image_pixels: Positive = Field(default=50_000_000, description="Of an image.")
    max_images: Positive = Field(default=64, description="In a request.")
    body_seconds: Seconds = Field(default=30.0, description="Until a request has arrived.")
    deadline_seconds: Seconds = Field(default=10.0, description="Until an image must be computed.")
    requests_per_minute: Positive | None = Field(
        default=None, description="Of one client, at one process; no limit unless given."
    )
    keys: str | None = Field(
        default=None,
        description="NAME:SHA256 of keys that may ask; everybody may unless given.",
    )
    admin_keys: str | None = Field(
        default=None,
        validation_alias="MLOPSPROJ_ADMIN_KEYS",
        description="NAME:SHA256 of keys that may administer; nobody may unless given.",
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Origins whose pages may ask, with commas between; none unless given.",
    )
    reload_seconds: Seconds = Field(default=2.0, description="Between two looks at the alias.")
    shadow_share: Share = Field(
        default=1.0, description="Of the images, copied to the alias shadow."
    )
    log: bool = Field(default=True, description="Keep every answer in the prediction log.")
    database_url: str = Field(
        default="sqlite:///mlopsproj.db",
        validation_alias="MLOPSPROJ_DATABASE_URL",
        description="Database of the prediction log.",
    )
    spool_dir: Path = Field(
        default=Path("spool"),
        validation_alias="MLOPSPROJ_SPOOL_DIR",
        description="Folder where answers wait for the database; on a disk that stays.",
    )
    max_spool_bytes: Positive = Field(
        default=1024**3,
        description="Of the spool; what does not fit goes to the database at once.",
    )
    image_log_url: str | None = Field(
        default=None,
        validation_alias="MLOPSPROJ_IMAGE_LOG_URL",
        description="Where images are kept, any fsspec URL; nowhere unless given.",
    )
    image_share: Share = Field(default=1.0, description="Of the images that are kept.")
    retention_days: Seconds | None = Field(
        default=None, description="Days that answers are kept; for ever unless given."
    )
    retention_count: Positive | None = Field(
        default=None, description="Answers that are kept at most; all unless given."
    )
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

    model_config = SettingsConfigDict(env_prefix=_OWN)

    registry_url: str = Field(
        default="./registry",
        validation_alias="MLOPSPROJ_REGISTRY_URL",
        description="Registry of the models, any fsspec URL.",
    )
    model: str | None = Field(
        default=None,
        validation_alias="MLOPSPROJ_MODEL",
        description="What is served: NAME, NAME@ALIAS or @ALIAS; the only model's production.",
    )
    event_url: str = Field(
        default="log:",
        validation_alias="MLOPSPROJ_EVENT_URL",
        description="Who is told of moved aliases: webhook, github:// or log:.",
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

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(part.strip().rstrip("/") for part in value.split(",") if part.strip())

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

    @field_validator("log_level", "scheduling", mode="before")
    @classmethod
    def _lower(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @property
    def reference(self) -> str:
        """The model and alias that are served, e.g. "fashion@production" or "@production"."""
        model = self.model or ""
        return model if "@" in model or ":" in model else f"{model}@production"


def read_settings() -> ApiSettings:
    """What the environment says.

    Raises:
        ConfigError: naming each variable that cannot be used, and its value.
    """
    try:
        return ApiSettings()
    except ValidationError as error:
        wrong = [
            f"{_variable_that_was_set(str(one['loc'][0]))} is {one['input']!r}: {one['msg']}."
            for one in error.errors()
        ]
        raise ConfigError(" ".join(wrong)) from error
    except SettingsError as error:
        raise ConfigError(f"The environment cannot be read: {error}.") from error


def variable_of(name: str) -> str:
    """The environment variable that sets an attribute."""
    alias = ApiSettings.model_fields[name].validation_alias
    if isinstance(alias, AliasChoices):
        return str(alias.choices[0])
    return str(alias) if alias else _OWN + name.upper()


def put_into_environment(flags: Mapping[str, object]) -> None:
    """Let flags of the command count as variables, by attribute; None was not given."""
    for name, value in flags.items():
        if value is not None:
            os.environ[variable_of(name)] = str(value)


def _variable_that_was_set(place: str) -> str:
    """Where a value came from; pydantic names a field that has no alias by its attribute."""
    if place == PORT_VARIABLE and not os.environ.get(PORT_VARIABLE):
        return "PORT"
    return variable_of(place) if place in ApiSettings.model_fields else place


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One setting as it is shown.

    Attributes:
        variable: of the environment.
        value: as it would be written; empty if it is not set.
        help: one sentence.
    """

    variable: str
    value: str
    help: str


def table(settings: ApiSettings) -> list[SettingRow]:
    """Every setting of the api, its own first; passwords are not shown."""
    names = [name for name in type(settings).model_fields if name not in _OF_OTHERS]
    names.sort(key=lambda name: name in Settings.model_fields)
    return [
        SettingRow(
            variable_of(name),
            _shown(getattr(settings, name)),
            type(settings).model_fields[name].description or "",
        )
        for name in names
    ]


def without_password(url: str) -> str:
    """A URL that may be shown."""
    head, at, tail = url.rpartition("@")
    scheme, slashes, user = head.partition("://")
    if at and slashes:
        url = f"{scheme}{slashes}{user.partition(':')[0]}{at}{tail}"
    return _SECRET.sub(r"\1***", url)


def _shown(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return without_password(str(value))
