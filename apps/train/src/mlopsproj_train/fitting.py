"""The training of one network: Lightning's trainer, its callbacks, and how long it took.

Everything that is drawn in an epoch follows from the seed and the epoch, so that a run that goes
on from its last checkpoint ends at the same weights, bit for bit on a CPU. Knows nothing of
bundles and registries.
"""

import logging
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytorch_lightning as pl
import torch
from mlopsproj_core.errors import ConfigError
from mlopsproj_models.classifier import ImageClassifier
from pytorch_lightning.callbacks import EarlyStopping, TQDMProgressBar, WeightAveraging
from pytorch_lightning.loggers import Logger
from torch import Tensor
from torch.optim.swa_utils import get_ema_multi_avg_fn

from mlopsproj_train.checkpoints import AtomicCheckpointIO, best_and_last, load_checkpoint
from mlopsproj_train.config import TrainConfig, TrainerConfig
from mlopsproj_train.devices import choose_accelerator
from mlopsproj_train.epoch_log import EpochLog, read_rows
from mlopsproj_train.precision import lightning_precision
from mlopsproj_train.profiling import PhaseTimes, StepTrace
from mlopsproj_train.run_folder import RunFolder

logger = logging.getLogger(__name__)

Tensors = tuple[Tensor, ...] | list[Tensor]

_LIGHTNINGS_ADVICE = (
    ".*does not have many workers.*",  # batches of memory-mapped pixels need none
    ".*smaller than the logging interval.*",  # figures are logged once an epoch
    ".*exists and is not empty.*",  # a resumed run has checkpoints
    ".*treespec.*",  # a deprecation inside Lightning
)
_REFRESH_EVERY = 10
_EPOCH_STRIDE = 1_000_003


@dataclass(frozen=True)
class Fit:
    """What came of a training.

    Attributes:
        best: the checkpoint of the epoch with the best validation accuracy.
        epochs: that were trained, those before a resume included.
        train_seconds: of training and validation, over all these epochs.
        images_per_second: median over the epochs, of their training part.
    """

    best: Path
    epochs: int
    train_seconds: float
    images_per_second: float


class EpochSeed(pl.Callback):
    """Seeds torch at each epoch from the run's seed, for what draws from its global generator."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Seed the epoch that begins."""
        del pl_module
        torch.manual_seed(self._seed * _EPOCH_STRIDE + trainer.current_epoch)


def fit(
    module: ImageClassifier,
    data: pl.LightningDataModule,
    config: TrainConfig,
    folder: RunFolder,
    *,
    tracker: Logger | None,
    phases: PhaseTimes | None = None,
) -> Fit:
    """Train, from the last checkpoint of the folder where there is one.

    Args:
        module: untrained, or of the run that goes on.
        data: what it is trained and validated on.
        config: of the run, its precision chosen.
        folder: of the run.
        tracker: a mirror of the figures, if any.
        phases: measures where the time goes, if given.

    Raises:
        ConfigError: if the trainer cannot do what it is told.
        TrainingError: if the last checkpoint is broken.
        KeyboardInterrupt: if the user ended it, saying how to go on.
    """
    _check(config.trainer)
    resumed = folder.last_checkpoint.exists()
    if resumed:
        load_checkpoint(folder.last_checkpoint)
        logger.info("going on from %s", folder.last_checkpoint)
    trainer, best_path = _trainer(config, folder, tracker, phases)
    try:
        with warnings.catch_warnings():
            for advice in _LIGHTNINGS_ADVICE:
                warnings.filterwarnings("ignore", advice)
            trainer.fit(
                module,
                datamodule=data,
                ckpt_path=str(folder.last_checkpoint.absolute()) if resumed else None,
                weights_only=True,
            )
    except SystemExit:
        if not trainer.interrupted:
            raise
    if trainer.interrupted:
        raise KeyboardInterrupt(
            f"Interrupted in epoch {trainer.current_epoch + 1}; the epochs before are kept. Go on"
            f" with: uv run train resume={folder.path}"
        )
    rows = read_rows(folder.metrics)
    rates = sorted(row["images"] / row["seconds"] for row in rows)
    return Fit(
        best=best_path,
        epochs=len(rows),
        train_seconds=sum(row["total_seconds"] for row in rows),
        images_per_second=rates[len(rates) // 2],
    )


def moving_average(decay: float) -> Callable[[Tensors, Tensors, Tensor | int], None]:
    """An exponential moving average that follows quickly at first.

    The decay rises as (1 + n) / (10 + n) over n updates to its full value, so that the first
    weights are forgotten also in short runs.
    """

    def update(averaged: Tensors, current: Tensors, count: Tensor | int) -> None:
        now = min(decay, (1 + int(count)) / (10 + int(count)))
        get_ema_multi_avg_fn(now)(averaged, current, count)  # type: ignore[no-untyped-call]  # torch leaves it untyped

    return update


def _trainer(
    config: TrainConfig,
    folder: RunFolder,
    tracker: Logger | None,
    phases: PhaseTimes | None,
) -> tuple[pl.Trainer, Path]:
    accelerator = choose_accelerator(config.trainer.accelerator)
    precision = config.trainer.precision
    logger.info("training on %s in %s, %d threads", accelerator, precision, torch.get_num_threads())
    best, last = best_and_last(folder)
    own: list[pl.Callback] = [
        EpochSeed(config.seed),
        EpochLog(folder.metrics, batch_size=config.trainer.batch_size),
        best,
        last,
    ]
    if config.model.ema_decay:
        own.append(WeightAveraging(multi_avg_fn=moving_average(config.model.ema_decay)))
    if config.trainer.patience is not None:
        own.append(EarlyStopping("val/accuracy", mode="max", patience=config.trainer.patience))
    if phases is not None:
        own.append(StepTrace(folder.path / "trace.json"))
    interactive = sys.stderr.isatty()
    if interactive:
        own.append(TQDMProgressBar(refresh_rate=_REFRESH_EVERY))
    trainer = pl.Trainer(
        accelerator=accelerator,
        devices=1,
        precision=lightning_precision(precision),
        max_epochs=config.trainer.max_epochs,
        gradient_clip_val=config.trainer.gradient_clip,
        callbacks=own,
        logger=tracker or False,
        profiler=phases,
        plugins=[AtomicCheckpointIO()],
        num_sanity_val_steps=0,
        enable_model_summary=False,
        enable_progress_bar=interactive,
    )
    return trainer, folder.checkpoints / "best.ckpt"


def _check(config: TrainerConfig) -> None:
    for name in ("max_epochs", "batch_size"):
        if getattr(config, name) < 1:
            raise ConfigError(f"trainer.{name}={getattr(config, name)}: give 1 or more.")
    if config.gradient_clip is not None and config.gradient_clip <= 0:
        raise ConfigError(
            f"trainer.gradient_clip={config.gradient_clip}: give more than 0, or null."
        )
    if config.patience is not None and config.patience < 1:
        raise ConfigError(f"trainer.patience={config.patience}: give 1 or more, or null.")
