"""What the environment says of the monitor. Read when a process starts, never on import.

Knows nothing of what is done with a setting.
"""

import os
from typing import TYPE_CHECKING, Annotated, Final, Literal

from mlopsproj_core.errors import ConfigError
from mlopsproj_serving.process.settings import (
    Port,
    Positive,
    Seconds,
    ServiceSettings,
    Share,
    without_path,
)
from pydantic import AliasChoices, Field, field_validator
from pydantic_settings import SettingsConfigDict

if TYPE_CHECKING:
    from mlopsproj_monitoring import DriftConfig, WindowConfig

_CENTURY: Final = 876_600

Hours = Annotated[float, Field(ge=0, le=_CENTURY, allow_inf_nan=False)]
Interval = Annotated[float, Field(gt=0, le=_CENTURY * 3600, allow_inf_nan=False)]


class MonitorSettings(ServiceSettings):
    """Environment variables of the monitor, beside those that others read too.

    An attribute `x` is the variable `MLOPSPROJ_MONITOR_X`, unless a name stands beside it.
    """

    model_config = SettingsConfigDict(env_prefix="MLOPSPROJ_MONITOR_")

    port: Port = Field(
        default=8001,
        validation_alias=AliasChoices("MLOPSPROJ_MONITOR_PORT", "PORT"),
        description="Port to listen on; 0 takes a free one.",
    )
    alpha: Share = Field(
        default=0.01, description="Chance that a check of images like the reference's says drift."
    )
    minimum_images: Positive = Field(
        default=100, description="In a window; with fewer there is no verdict."
    )
    minimum_effect: Share = Field(
        default=0.02, description="Share of the images that must have changed to be drift."
    )
    window_images: Positive | None = Field(
        default=None, description="Newest images in a window; 1,000 unless hours are given."
    )
    window_hours: Seconds | None = Field(
        default=None, description="Hours that a window reaches back, instead of a number of images."
    )
    interval_seconds: Interval = Field(
        default=3600.0, description="At least, between two checks of a version."
    )
    step_images: Positive = Field(
        default=100, description="New images at least, for another check of a version."
    )
    cooldown_hours: Hours = Field(
        default=24.0, description="In which a version's drift is told once."
    )
    retrain: str | None = Field(
        default=None,
        description="What drift starts: command:…, github://OWNER/REPOSITORY or http(s)://…;"
        " nothing unless given.",
    )
    approve: Literal["manual", "auto"] = Field(
        default="manual", description="Whether a retraining waits for a person, or begins at once."
    )

    @field_validator("approve", mode="before")
    @classmethod
    def _small(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @classmethod
    def put_window_into_environment(cls, images: int | None, hours: float | None) -> None:
        """Let flags of the command say how large a window is, whatever the environment said."""
        if images is not None or hours is not None:
            for name in ("window_images", "window_hours"):
                os.environ.pop(cls.variable_of(name), None)
        cls.put_into_environment({"window_images": images, "window_hours": hours})

    def shown(self, name: str) -> str:
        """The value of an attribute as it may be shown; empty if it is not set."""
        is_command = (self.retrain or "").strip().lower().startswith("command:")
        if name == "retrain" and self.retrain and not is_command:
            return without_path(self.retrain.strip())
        return super().shown(name)

    def drift_config(self) -> "DriftConfig":
        """What a check is asked for.

        Raises:
            ConfigError: if a value cannot be used.
        """
        from mlopsproj_monitoring.config import DriftConfig

        return DriftConfig(
            alpha=self.alpha,
            minimum_images=self.minimum_images,
            minimum_effect=self.minimum_effect,
        )

    def window_config(self) -> "WindowConfig":
        """How large a window is.

        Raises:
            ConfigError: if a number of images and of hours are given, or neither can be used.
        """
        from mlopsproj_monitoring.window_config import WindowConfig

        if self.window_images is not None and self.window_hours is not None:
            raise ConfigError(
                f"{self.variable_of('window_images')} and {self.variable_of('window_hours')} are"
                " both set: a window is of the newest images, or of some hours. Unset one."
            )
        if self.window_hours is not None:
            return WindowConfig(images=None, hours=self.window_hours)
        return WindowConfig() if self.window_images is None else WindowConfig(self.window_images)
