"""What the environment says. Read by commands when they start, never on import."""

from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Environment variables that more than one command reads; an empty one counts as unset.

    Attributes:
        registry_url: `MLOPSPROJ_REGISTRY_URL`, the registry of the models, any fsspec URL.
        event_url: `MLOPSPROJ_EVENT_URL`, who is told of events: an http(s) webhook,
            `github://OWNER/REPOSITORY`, or `log:`.
        model: `MLOPSPROJ_MODEL`, needed only when the registry holds several names; of a service
            `NAME`, `NAME@ALIAS` or `@ALIAS`.
        config_dir: `MLOPSPROJ_CONFIG_DIR`, the folder of Hydra's values; else `./configs`, where
            there is one, else the defaults of the code count.
        wandb_registry: `MLOPSPROJ_WANDB_REGISTRY`, the mirror at Weights & Biases, as
            `ENTITY/REGISTRY`; the services do not read it.
    """

    model_config = SettingsConfigDict(env_prefix="MLOPSPROJ_", env_ignore_empty=True, frozen=True)

    registry_url: str = "./registry"
    event_url: str = "log:"
    model: str | None = None
    config_dir: Path | None = None
    wandb_registry: str | None = None
