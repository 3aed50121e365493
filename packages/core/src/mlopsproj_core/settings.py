"""What the environment says. Read by commands when they start, never on import."""

from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Environment variables that more than one command reads; an empty one counts as unset.

    Attributes:
        registry_url: `MLOPSPROJ_REGISTRY_URL`, any fsspec URL.
        event_url: `MLOPSPROJ_EVENT_URL`: http(s) webhook, `github://owner/repository`, or `log:`.
        model: `MLOPSPROJ_MODEL`, needed only when the registry holds several names.
        config_dir: `MLOPSPROJ_CONFIG_DIR`, the folder of the Hydra values.
        wandb_registry: `MLOPSPROJ_WANDB_REGISTRY`, the mirror at Weights & Biases, as
            `ENTITY/REGISTRY`.
    """

    model_config = SettingsConfigDict(env_prefix="MLOPSPROJ_", env_ignore_empty=True, frozen=True)

    registry_url: str = "./registry"
    event_url: str = "log:"
    model: str | None = None
    config_dir: Path | None = None
    wandb_registry: str | None = None
