"""The environment variables of this project: which there are, and what of them is a secret.

Knows nothing of what they mean to the commands that read them.
"""

from enum import Enum
from pathlib import Path
from typing import Final

from mlopsproj_core.settings import Settings

PREFIX: Final = "MLOPSPROJ_"


class Kind(Enum):
    """How a value may be shown."""

    PLAIN = "as it is"
    URL = "without user, password and query"
    DATABASE = "the same; what is no URL not at all, since it may be a password"
    WEBHOOK = "the server alone: the rest may be its secret"
    KEYS = "not at all"


KNOWN: Final = {
    "MLOPSPROJ_ADMIN_KEYS": Kind.KEYS,
    "MLOPSPROJ_API_ACCESS_LOG": Kind.PLAIN,
    "MLOPSPROJ_API_BODY_SECONDS": Kind.PLAIN,
    "MLOPSPROJ_API_CORS_ORIGINS": Kind.PLAIN,
    "MLOPSPROJ_API_DEADLINE_SECONDS": Kind.PLAIN,
    "MLOPSPROJ_API_HOST": Kind.PLAIN,
    "MLOPSPROJ_API_IMAGE_SHARE": Kind.PLAIN,
    "MLOPSPROJ_API_KEEP_ALIVE_SECONDS": Kind.PLAIN,
    "MLOPSPROJ_API_KEYS": Kind.KEYS,
    "MLOPSPROJ_API_LOG": Kind.PLAIN,
    "MLOPSPROJ_API_LOG_LEVEL": Kind.PLAIN,
    "MLOPSPROJ_API_MAX_BATCH": Kind.PLAIN,
    "MLOPSPROJ_API_MAX_BODY_BYTES": Kind.PLAIN,
    "MLOPSPROJ_API_MAX_HELD_BYTES": Kind.PLAIN,
    "MLOPSPROJ_API_MAX_IMAGES": Kind.PLAIN,
    "MLOPSPROJ_API_MAX_IMAGE_PIXELS": Kind.PLAIN,
    "MLOPSPROJ_API_MAX_SPOOL_BYTES": Kind.PLAIN,
    "MLOPSPROJ_API_PORT": Kind.PLAIN,
    "MLOPSPROJ_API_PROXIES": Kind.PLAIN,
    "MLOPSPROJ_API_QUEUE_IMAGES": Kind.PLAIN,
    "MLOPSPROJ_API_RELOAD_SECONDS": Kind.PLAIN,
    "MLOPSPROJ_API_REQUESTS_PER_MINUTE": Kind.PLAIN,
    "MLOPSPROJ_API_RETENTION_COUNT": Kind.PLAIN,
    "MLOPSPROJ_API_RETENTION_DAYS": Kind.PLAIN,
    "MLOPSPROJ_API_SCHEDULING": Kind.PLAIN,
    "MLOPSPROJ_API_SHADOW_SHARE": Kind.PLAIN,
    "MLOPSPROJ_API_SHUTDOWN_SECONDS": Kind.PLAIN,
    "MLOPSPROJ_API_THREADS": Kind.PLAIN,
    "MLOPSPROJ_API_WORKERS": Kind.PLAIN,
    "MLOPSPROJ_CONFIG_DIR": Kind.PLAIN,
    "MLOPSPROJ_DATABASE_URL": Kind.DATABASE,
    "MLOPSPROJ_EVENT_URL": Kind.WEBHOOK,
    "MLOPSPROJ_GATE_CALIBRATION_MARGIN": Kind.PLAIN,
    "MLOPSPROJ_GATE_CLASS_MARGIN": Kind.PLAIN,
    "MLOPSPROJ_GATE_LATENCY_RATIO": Kind.PLAIN,
    "MLOPSPROJ_GATE_LATENCY_SECONDS": Kind.PLAIN,
    "MLOPSPROJ_GATE_MARGIN": Kind.PLAIN,
    "MLOPSPROJ_GATE_ROBUSTNESS_MARGIN": Kind.PLAIN,
    "MLOPSPROJ_GATE_SIZE_RATIO": Kind.PLAIN,
    "MLOPSPROJ_GATE_WITHOUT": Kind.PLAIN,
    "MLOPSPROJ_IMAGE_LOG_URL": Kind.URL,
    "MLOPSPROJ_MODEL": Kind.PLAIN,
    "MLOPSPROJ_MONITOR_ACCESS_LOG": Kind.PLAIN,
    "MLOPSPROJ_MONITOR_ALPHA": Kind.PLAIN,
    "MLOPSPROJ_MONITOR_APPROVE": Kind.PLAIN,
    "MLOPSPROJ_MONITOR_BODY_SECONDS": Kind.PLAIN,
    "MLOPSPROJ_MONITOR_COOLDOWN_HOURS": Kind.PLAIN,
    "MLOPSPROJ_MONITOR_HOST": Kind.PLAIN,
    "MLOPSPROJ_MONITOR_INTERVAL_SECONDS": Kind.PLAIN,
    "MLOPSPROJ_MONITOR_KEEP_ALIVE_SECONDS": Kind.PLAIN,
    "MLOPSPROJ_MONITOR_KEYS": Kind.KEYS,
    "MLOPSPROJ_MONITOR_LOG_LEVEL": Kind.PLAIN,
    "MLOPSPROJ_MONITOR_MINIMUM_EFFECT": Kind.PLAIN,
    "MLOPSPROJ_MONITOR_MINIMUM_IMAGES": Kind.PLAIN,
    "MLOPSPROJ_MONITOR_PORT": Kind.PLAIN,
    "MLOPSPROJ_MONITOR_PROXIES": Kind.PLAIN,
    "MLOPSPROJ_MONITOR_RETRAIN": Kind.WEBHOOK,
    "MLOPSPROJ_MONITOR_SHUTDOWN_SECONDS": Kind.PLAIN,
    "MLOPSPROJ_MONITOR_STEP_IMAGES": Kind.PLAIN,
    "MLOPSPROJ_MONITOR_WINDOW_HOURS": Kind.PLAIN,
    "MLOPSPROJ_MONITOR_WINDOW_IMAGES": Kind.PLAIN,
    "MLOPSPROJ_REGISTRY_URL": Kind.URL,
    "MLOPSPROJ_SPOOL_DIR": Kind.PLAIN,
    "MLOPSPROJ_WANDB_REGISTRY": Kind.PLAIN,
}
"""Every variable that some command reads, in capitals; the case of a name does not count."""


class DoctorSettings(Settings):
    """What the checks look at, with the defaults of the commands that use it.

    Attributes:
        database_url: `MLOPSPROJ_DATABASE_URL`, of the prediction log.
        spool_dir: `MLOPSPROJ_SPOOL_DIR`, where records wait for it.
    """

    database_url: str = "sqlite:///mlopsproj.db"
    spool_dir: Path = Path("spool")
