"""One trial: a run without test set, bundle and registry, judged on the validation images.

Knows nothing of studies; who calls it may end it from the report of an epoch.
"""

from pathlib import Path

import pytorch_lightning as pl
import torch
from mlopsproj_core.errors import TrainingError

from mlopsproj_train.config import TrainConfig
from mlopsproj_train.epoch_log import read_rows
from mlopsproj_train.fitting import fit
from mlopsproj_train.planning import make_plan
from mlopsproj_train.run_folder import RunFolder
from mlopsproj_train.sweeping.search import EpochReport


class _Reporter(pl.Callback):
    """Reports each epoch, first those that were trained before an interruption."""

    def __init__(self, path: Path, report: EpochReport) -> None:
        self._path = path
        self._report = report

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Report what is known already."""
        del trainer, pl_module
        for row in read_rows(self._path):
            self._report(int(row["epoch"]) + 1, row["val/accuracy"])

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Report the epoch that is done."""
        del pl_module
        self._report(trainer.current_epoch + 1, float(trainer.callback_metrics["val/accuracy"]))


def train_trial(config: TrainConfig, folder: RunFolder, on_epoch: EpochReport) -> float:
    """Train in a folder, from its last checkpoint where there is one.

    Args:
        config: of the run.
        folder: of the run; it exists, and this process holds it.
        on_epoch: told of every epoch; what it raises ends the trial.

    Returns:
        The best validation accuracy of all epochs, 0 to 1.

    Raises:
        MlopsprojError: if the settings do not go together, or the training fails.
    """
    plan = make_plan(config)
    folder.write_config(plan.config)
    folder.identify(data=plan.dataset.name, fingerprint=plan.dataset.fingerprint)
    reporter = _Reporter(folder.metrics, on_epoch)
    try:
        fit(plan.module, plan.data, plan.config, folder, tracker=None, callbacks=[reporter])
    except torch.OutOfMemoryError as error:
        raise TrainingError(
            f"The GPU's memory does not suffice ({str(error).splitlines()[0]}): search smaller"
            " networks or batches."
        ) from error
    return max(row["val/accuracy"] for row in read_rows(folder.metrics))
