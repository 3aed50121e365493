"""Weights & Biases as a mirror of a run: figures, configuration, pictures and, online, the bundle.

Offline needs no account and no network. Online was not verified against a live account.
Knows nothing of training; the run folder stays the truth.
"""

import socket
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mlopsproj_core.errors import TrainingError
from pytorch_lightning.loggers import WandbLogger

from mlopsproj_train.config import LoggerConfig, WandbMode
from mlopsproj_train.run_folder import RunFolder

_REACH_SECONDS = 5.0


def start_tracking(
    config: LoggerConfig, folder: RunFolder, values: dict[str, Any]
) -> WandbLogger | None:
    """Open the run at W&B, or go on with it; None where it is disabled.

    Args:
        config: of the logger.
        folder: of the run; its name is the run's id, so that a resumed run goes on.
        values: the configuration, as plain values.

    Raises:
        TrainingError: if it is online and there is no key, or the server cannot be reached.
    """
    if config.wandb is WandbMode.disabled:
        return None
    import wandb

    if config.wandb is WandbMode.online:
        _check_online()
    run = wandb.init(
        project=config.project,
        name=folder.path.name,
        id=folder.path.name,
        dir=folder.path,
        mode="online" if config.wandb is WandbMode.online else "offline",
        resume="allow",
        config=values,
        # It would print a banner at the start and the end of each run.
        settings=wandb.Settings(silent=True),
    )
    return WandbLogger(experiment=run)


def finish_tracking(logger: WandbLogger, figures: Iterable[Path], bundle: Path, name: str) -> None:
    """Send the pictures and, online, the bundle as an artifact; then close the run."""
    import wandb

    run = logger.experiment
    run.log({f"figures/{path.stem}": wandb.Image(str(path)) for path in figures})
    if not run.offline:
        artifact = wandb.Artifact(name, type="model")
        artifact.add_dir(str(bundle))
        run.log_artifact(artifact)
    run.finish()


def _check_online() -> None:
    """Fail at once: wandb itself waits for more than a minute."""
    import wandb

    url = urlsplit(wandb.Settings().base_url)
    mend = "use logger=offline and `wandb sync` the run folder later."
    if not wandb.api.api_key:
        raise TrainingError(f"logger=online needs a W&B account: run `wandb login`, or {mend}")
    try:
        port = url.port or (443 if url.scheme == "https" else 80)
        socket.create_connection((url.hostname or "", port), timeout=_REACH_SECONDS).close()
    except OSError as error:
        raise TrainingError(
            f"logger=online cannot reach {url.hostname}:{port} ({error}): check the network, or"
            f" {mend}"
        ) from error
