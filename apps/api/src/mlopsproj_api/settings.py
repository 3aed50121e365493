"""What the environment says of the api. Read when a process starts, never on import.

Knows nothing of what is done with a setting.
"""

from pathlib import Path
from typing import Annotated, Literal

from mlopsproj_serving.process.settings import Port, Positive, Seconds, ServiceSettings, Share
from pydantic import AliasChoices, Field, field_validator
from pydantic_settings import NoDecode, SettingsConfigDict


class ApiSettings(ServiceSettings):
    """Environment variables of the api, beside those that others read too.

    An attribute `x` is the variable `MLOPSPROJ_API_X`, unless a name stands beside it.
    """

    model_config = SettingsConfigDict(env_prefix="MLOPSPROJ_API_")

    port: Port = Field(
        default=8000,
        validation_alias=AliasChoices("MLOPSPROJ_API_PORT", "PORT"),
        description="Port to listen on; 0 takes a free one.",
    )
    workers: Annotated[Positive, "processes"] = Field(default=1, description="Processes.")
    threads: Positive | None = Field(
        default=None, description="Threads that compute, in each process; its share of the cores."
    )
    scheduling: Literal["auto", "single", "batches"] = Field(
        default="auto", description="Images one by one, or in batches; auto measures both."
    )
    max_batch: Annotated[Positive, "images"] = Field(default=16, description="Images in a batch.")
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
    deadline_seconds: Seconds = Field(default=10.0, description="Until an image must be computed.")
    requests_per_minute: Positive | None = Field(
        default=None, description="Of one client, at one process; no limit unless given."
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
    retention_count: Annotated[Positive, "answers"] | None = Field(
        default=None, description="Answers that are kept at most; all unless given."
    )

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(part.strip().rstrip("/") for part in value.split(",") if part.strip())

    @field_validator("scheduling", mode="before")
    @classmethod
    def _small(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value
