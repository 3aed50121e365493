"""Checkpoints that are whole or not there, and a clear word when one is broken.

Knows nothing of what they hold beyond Lightning's own keys.
"""

import os
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from mlopsproj_core.errors import TrainingError
from mlopsproj_core.local_files import put_in_place
from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.plugins.io import TorchCheckpointIO
from torch import Tensor

from mlopsproj_train.run_folder import RunFolder


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes beside the old file and then takes its place.

    Lightning's own way goes through the system's temporary folder; where that is another file
    system, a process that is killed meanwhile leaves half a checkpoint.
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | os.PathLike[str], storage_options: Any = None
    ) -> None:
        """Write `checkpoint` to `path`, at once."""
        del storage_options
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(f".{target.name}.{os.getpid()}")
        try:
            with draft.open("wb") as file:
                torch.save(checkpoint, file)
                file.flush()
                os.fsync(file.fileno())
            put_in_place(draft, target)
        finally:
            draft.unlink(missing_ok=True)


class Checkpoints(ModelCheckpoint):
    """Keeps its memory also where the folder of the run was moved before the run went on."""

    def state_dict(self) -> dict[str, Any]:
        """Without the folder, for which Lightning would forget the best score so far."""
        return {key: value for key, value in super().state_dict().items() if key != "dirpath"}


class BestCheckpoint(Checkpoints):
    """Of epochs that are equally good, keeps the latest: with few images many are.

    The learning rate falls towards the end, and the weights that it leaves are the better ones.
    """

    def check_monitor_top_k(self, trainer: pl.Trainer, current: Tensor | None = None) -> bool:
        """Whether an epoch is at least as good as the best so far."""
        equal = current is not None and self.best_model_score is not None
        if equal and bool(current == self.best_model_score):
            return True
        return super().check_monitor_top_k(trainer, current)


def best_and_last(folder: RunFolder) -> tuple[Checkpoints, Checkpoints]:
    """Callbacks that keep the best epoch by validation accuracy, and the last one."""
    best = BestCheckpoint(
        dirpath=folder.checkpoints.absolute(),
        filename="best",
        monitor="val/accuracy",
        mode="max",
        enable_version_counter=False,
    )
    last = Checkpoints(
        dirpath=folder.checkpoints.absolute(),
        filename="last",
        every_n_epochs=1,
        save_on_train_epoch_end=True,
        enable_version_counter=False,
    )
    return best, last


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint onto the CPU, without unpickling code.

    Raises:
        TrainingError: if it is missing, truncated or no checkpoint.
    """
    try:
        checkpoint: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        checkpoint["state_dict"]
    except Exception as error:  # torch raises whatever it met in a broken file
        raise TrainingError(
            f"The checkpoint {path} cannot be read ({type(error).__name__}: {error}): remove it to"
            " start this run anew, or bring it back from a copy."
        ) from error
    return checkpoint
