"""A row of figures for each epoch: in `metrics.csv`, in the log, and read back as curves.

A resumed run drops the rows that it is about to write again. Knows nothing of W&B.
"""

import csv
import logging
import time
from pathlib import Path

import psutil
import pytorch_lightning as pl
from matplotlib.figure import Figure

_MEGABYTE = 1e6

logger = logging.getLogger(__name__)

FIGURES = ("train/loss", "val/loss", "val/accuracy")
COLUMNS = ("epoch", "step", "lr", *FIGURES, "images", "seconds", "total_seconds", "memory_mb")


class EpochLog(pl.Callback):
    """Writes the row, and measures how long the training part of an epoch takes.

    `images` were trained on in `seconds`; `total_seconds` are those and validation's;
    `memory_mb` is what the process holds then.
    """

    def __init__(self, path: Path, *, batch_size: int) -> None:
        """Take the file to write to.

        Args:
            path: of the CSV file.
            batch_size: images of a training batch.
        """
        self._path = path
        self._batch_size = batch_size
        self._started = self._seconds = 0.0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Keep the rows of the epochs that a resumed run does not repeat."""
        del pl_module
        kept = [row for row in read_rows(self._path) if row["epoch"] < trainer.current_epoch]
        with self._path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(kept)

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start the clock."""
        del trainer, pl_module
        self._started = time.perf_counter()

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Stop the clock: the epoch's training batches are done."""
        del trainer, pl_module
        self._seconds = time.perf_counter() - self._started

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write the row."""
        del pl_module
        figures = trainer.callback_metrics
        row = {
            "epoch": trainer.current_epoch,
            "step": trainer.global_step,
            "lr": trainer.optimizers[0].param_groups[0]["lr"],
            **{name: float(figures[name]) for name in FIGURES},
            "images": int(trainer.num_training_batches) * self._batch_size,
            "seconds": self._seconds,
            "total_seconds": time.perf_counter() - self._started,
            "memory_mb": psutil.Process().memory_info().rss / _MEGABYTE,
        }
        with self._path.open("a", newline="", encoding="utf-8") as file:
            csv.DictWriter(file, COLUMNS).writerow(row)
        logger.info(
            "epoch %d of %s: loss %.4f, validation loss %.4f, validation accuracy %.4f,"
            " %.0f images/s",
            row["epoch"] + 1,
            trainer.max_epochs,
            row["train/loss"],
            row["val/loss"],
            row["val/accuracy"],
            row["images"] / max(self._seconds, 1e-9),
        )


def read_rows(path: Path) -> list[dict[str, float]]:
    """The rows of a `metrics.csv`; none where there is no file.

    A row that a full disk or a power cut left incomplete is passed over.
    """
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if None not in (*row, *row.values())]
    return [{key: float(value) for key, value in row.items()} for row in rows]


def draw_curves(rows: list[dict[str, float]], path: Path) -> None:
    """Draw loss, accuracy and learning rate over the epochs.

    Args:
        rows: of `read_rows`.
        path: of the PNG file.
    """
    epochs = [row["epoch"] + 1 for row in rows]
    figure = Figure(figsize=(12, 3.6), layout="constrained")
    loss, accuracy, rate = figure.subplots(1, 3)
    loss.plot(epochs, [row["train/loss"] for row in rows], marker=".", label="training")
    loss.plot(epochs, [row["val/loss"] for row in rows], marker=".", label="validation")
    loss.set_title("Loss (training with its softened labels)")
    loss.legend()
    accuracies = [row["val/accuracy"] for row in rows]
    accuracy.plot(epochs, accuracies, marker=".", color="C1")
    best = max(range(len(rows)), key=accuracies.__getitem__)
    accuracy.annotate(
        f"{accuracies[best]:.4f}",
        (epochs[best], accuracies[best]),
        (0, -14),
        textcoords="offset points",
        ha="center",
    )
    accuracy.set_title("Validation accuracy")
    rate.plot(epochs, [row["lr"] for row in rows], marker=".", color="C2")
    rate.set_title("Learning rate at the end of the epoch")
    for axes in (loss, accuracy, rate):
        axes.set_xlabel("epoch")
        axes.grid(alpha=0.3)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
