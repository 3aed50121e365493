"""Weights & Biases as a mirror of a run: figures, configuration, pictures and, online, the bundle.

Offline needs no account and no network. Online was not verified against a live account. Once a
run has begun, nothing that happens to the mirror ends it: the run folder is the truth.
"""

import logging
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mlopsproj_core.errors import TrainingError
from pytorch_lightning.loggers import WandbLogger

from mlopsproj_train.config import LoggerConfig, WandbMode

logger = logging.getLogger(__name__)

_REACH_SECONDS = 5.0
_MEND = "use logger=offline and `wandb sync` the run folder later."


def check_tracking(config: LoggerConfig) -> None:
    """Fail at once where wandb itself would wait for more than a minute.

    Raises:
        TrainingError: if it is online and there is no key, or the server cannot be reached.
    """
    if config.wandb is not WandbMode.online:
        return
    import wandb

    # Only so are files and environment read.
    settings = wandb.setup(wandb.Settings(silent=True)).settings
    if not settings.api_key and not wandb.login(prompt=False, verify=False):
        raise TrainingError(f"logger=online needs a W&B account: run `wandb login`, or {_MEND}")
    url = urlsplit(settings.base_url)
    try:
        port = url.port or (443 if url.scheme == "https" else 80)
        socket.create_connection((url.hostname or "", port), timeout=_REACH_SECONDS).close()
    except (OSError, ValueError) as error:
        raise TrainingError(
            f"logger=online cannot reach {url.netloc} ({error}): check the network, or {_MEND}"
        ) from error


@contextmanager
def tracking(
    config: LoggerConfig, folder: Path, run_id: str, values: dict[str, Any]
) -> Iterator[WandbLogger | None]:
    """A run at W&B, closed with the block however it ends; None where it is disabled.

    Args:
        config: of the logger.
        folder: of the run.
        run_id: under which a resumed run goes on.
        values: the configuration, as plain values.

    Raises:
        TrainingError: if the run cannot be opened.
    """
    if config.wandb is WandbMode.disabled:
        yield None
        return
    import wandb

    try:
        run = wandb.init(
            project=config.project,
            name=folder.name,
            id=run_id,
            dir=folder,
            mode="online" if config.wandb is WandbMode.online else "offline",
            resume="allow",
            config=values,
            # It would print a banner at the start and the end of each run.
            settings=wandb.Settings(silent=True),
        )
    except (wandb.Error, ValueError) as error:
        raise TrainingError(f"W&B cannot open the run ({error}): correct it, or {_MEND}") from error
    try:
        yield WandbLogger(experiment=run)
    except BaseException:
        _close(run, failed=True)
        raise
    _close(run, failed=False)


def send_results(tracker: WandbLogger, figures: Iterable[Path], bundle: Path, name: str) -> None:
    """Send the pictures and, online, the bundle as an artifact; a failure is logged."""
    import wandb

    run = tracker.experiment
    try:
        run.log({f"figures/{path.stem}": wandb.Image(str(path)) for path in figures})
        if not run.offline:
            artifact = wandb.Artifact(name, type="model")
            artifact.add_dir(str(bundle))
            run.log_artifact(artifact)
    except Exception as error:  # noqa: BLE001 (whatever it is, the run itself is whole)
        logger.warning("W&B did not take the results (%s); they are in %s", error, bundle.parent)


def _close(run: Any, *, failed: bool) -> None:
    try:
        run.finish(exit_code=int(failed))
    except Exception as error:  # noqa: BLE001 (whatever it is, the run itself is whole)
        logger.warning("W&B did not close the run (%s); `wandb sync` its folder later", error)
