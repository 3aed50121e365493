"""The training of one network: Lightning's trainer, its callbacks, and how long it took.

Everything that is drawn in a step follows from the seed and the step, so that a run that goes on
from its last checkpoint ends at the same weights, bit for bit on a CPU. Knows nothing of
bundles and registries.
"""

import logging
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import pytorch_lightning as pl
import torch
from mlopsproj_core.errors import ConfigError, TrainingError
from mlopsproj_models.classifier import ImageClassifier
from pytorch_lightning.callbacks import EarlyStopping, TQDMProgressBar, WeightAveraging
from pytorch_lightning.callbacks.early_stopping import EarlyStoppingReason
from pytorch_lightning.loggers import Logger
from torch import Tensor
from torch.optim.swa_utils import get_ema_multi_avg_fn

from mlopsproj_train.checkpoints import AtomicCheckpointIO, best_and_last, load_checkpoint
from mlopsproj_train.config import TrainConfig
from mlopsproj_train.devices import choose_accelerator
from mlopsproj_train.epoch_log import EpochLog, read_rows
from mlopsproj_train.precision import lightning_precision
from mlopsproj_train.profiling import PhaseTimes, StepTrace
from mlopsproj_train.recipes import chosen
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
_STRIDE = 1_000_003
_OFFSET = 0x9E3779B9  # away from the seeds of the augmentation, of order and of variation
_MAX_SEED = 2**32 - 1


@dataclass(frozen=True)
class Fit:
    """What came of a training.

    Attributes:
        best: the checkpoint of the epoch with the best validation accuracy.
        epochs: that were trained, those before a resume included.
        train_seconds: of training and validation, over all these epochs.
        images_per_second: median over the epochs that train the whole network, where there are
            any, of their training part.
    """

    best: Path
    epochs: int
    train_seconds: float
    images_per_second: float


class StepSeed(pl.Callback):
    """Seeds torch at each step from the run's seed, for what draws from its global generator.

    At each epoch would not do: a data loader draws when it begins, which is before the epoch's
    start in a run that goes on, and after it in any other.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: object, batch_idx: int
    ) -> None:
        """Seed the step that begins."""
        del pl_module, batch, batch_idx
        # Not torch.manual_seed: where there is no GPU yet, it notes who called it, for ever.
        torch.default_generator.manual_seed(_OFFSET + self._seed * _STRIDE + trainer.global_step)


class PatientStop(EarlyStopping):
    """Early stopping that a run which goes on remembers: what had stopped is not trained again."""

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Stop before the first epoch if the run that goes on had stopped."""
        del pl_module
        if self.stopping_reason is not EarlyStoppingReason.NOT_STOPPED:
            trainer.should_stop = True


def fit(
    module: ImageClassifier,
    data: pl.LightningDataModule,
    config: TrainConfig,
    folder: RunFolder,
    *,
    tracker: Logger | None,
    phases: PhaseTimes | None = None,
    callbacks: Sequence[pl.Callback] = (),
) -> Fit:
    """Train, from the last checkpoint of the folder where there is one.

    Args:
        module: untrained, or of the run that goes on.
        data: what it is trained and validated on.
        config: of the run, its precision chosen.
        folder: of the run.
        tracker: a mirror of the figures, if any.
        phases: measures where the time goes, if given.
        callbacks: told of the training beside its own, after them.

    Raises:
        TrainingError: if the last checkpoint is broken, or the epochs' figures are gone.
        KeyboardInterrupt: if the user ended it, saying what is kept.
    """
    resumed = folder.last_checkpoint.exists()
    if resumed:
        load_checkpoint(folder.last_checkpoint)
        logger.info("going on from %s", folder.last_checkpoint)
    trainer, best_path = _trainer(config, folder, tracker, phases, callbacks)
    try:
        with warnings.catch_warnings(), _interrupts_kept():
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
            f"Interrupted in epoch {trainer.current_epoch + 1}; the epochs before are kept."
        )
    rows = read_rows(folder.metrics)
    if not rows:
        raise TrainingError(
            f"{folder.metrics} holds no epoch of this run: bring it back from a copy, or start a"
            " new run by `uv run train`."
        )
    whole = rows[chosen(config.model.finetune.frozen_epochs) :] or rows
    return Fit(
        best=best_path,
        epochs=len(rows),
        train_seconds=sum(row["total_seconds"] for row in rows),
        images_per_second=median(row["images"] / row["seconds"] for row in whole),
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
    callbacks: Sequence[pl.Callback],
) -> tuple[pl.Trainer, Path]:
    accelerator = choose_accelerator(config.trainer.accelerator)
    precision = config.trainer.precision
    threads = torch.get_num_threads()
    shown = f"{threads} thread{'s' if threads > 1 else ''}"
    logger.info("training on %s in %s, %s", accelerator, precision, shown)
    best, last = best_and_last(folder)
    own: list[pl.Callback] = [
        StepSeed(config.seed),
        EpochLog(folder.metrics, batch_size=chosen(config.trainer.batch_size)),
        best,
        last,
    ]
    if config.model.ema_decay:
        own.append(WeightAveraging(multi_avg_fn=moving_average(config.model.ema_decay)))
    if config.trainer.patience is not None:
        own.append(PatientStop("val/accuracy", mode="max", patience=config.trainer.patience))
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
        callbacks=[*own, *callbacks],
        logger=tracker or False,
        profiler=phases,
        plugins=[AtomicCheckpointIO()],
        num_sanity_val_steps=0,
        enable_model_summary=False,
        enable_progress_bar=interactive,
    )
    return trainer, folder.best_checkpoint


@contextmanager
def _interrupts_kept() -> Iterator[None]:
    """Lightning ignores Ctrl-C for ever once it has seen it; what comes after must heed it."""
    if threading.current_thread() is not threading.main_thread():
        yield  # a signal's handler can be set by the main thread only
        return
    handler = signal.getsignal(signal.SIGINT)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)


def check_settings(config: TrainConfig) -> None:
    """Refuse what the trainer could not do, before anything is made.

    Raises:
        ConfigError: naming the setting.
    """
    trainer = config.trainer
    if not 0 <= config.seed <= _MAX_SEED:
        raise ConfigError(f"seed={config.seed}: give 0 to {_MAX_SEED}.")
    for name in ("max_epochs", "batch_size"):
        value = getattr(trainer, name)
        if value is not None and value < 1:
            raise ConfigError(f"trainer.{name}={value}: give 1 or more.")
    if trainer.gradient_clip is not None and not trainer.gradient_clip > 0:
        raise ConfigError(
            f"trainer.gradient_clip={trainer.gradient_clip}: give more than 0, or null."
        )
    if trainer.patience is not None and trainer.patience < 1:
        raise ConfigError(f"trainer.patience={trainer.patience}: give 1 or more, or null.")
    if not 0 <= config.model.ema_decay < 1:
        raise ConfigError(
            f"model.ema_decay={config.model.ema_decay}: give 0 or more and less than 1."
        )
