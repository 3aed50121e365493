"""Where the time of a training goes: a trace of some steps, and the share of each phase.

Knows nothing of networks; works for any run of the trainer.
"""

import logging
from pathlib import Path

import pytorch_lightning as pl
import torch
from pytorch_lightning.profilers import SimpleProfiler
from rich.console import Console
from rich.table import Table
from torch.profiler import ProfilerActivity, profile, schedule

logger = logging.getLogger(__name__)

_WAIT, _WARM_UP, _ACTIVE = 5, 2, 8

# What Lightning's profiler calls the parts of an epoch; an action's time holds its callees'.
_DATA = ("train_dataloader_next", "batch_to_device", "on_after_batch_transfer")
_FORWARD = ("training_step",)
_BACKWARD = (".backward",)
_OPTIMISER = (".optimizer_step",)
_EPOCH = "run_training_epoch"


class PhaseTimes(SimpleProfiler):
    """Lightning's timer of actions, summed into the phases of a training step."""

    def table(self) -> dict[str, float]:
        """Seconds of each phase; the optimiser's are those without forward and backward."""
        data = self._sum(_DATA)
        forward = self._sum(_FORWARD)
        backward = self._sum(_BACKWARD)
        optimiser = max(0.0, self._sum(_OPTIMISER) - forward - backward)
        validation = self._sum(("validation_step",)) + self._sum(("val_next",))
        epoch = self._sum((_EPOCH,))
        known = data + forward + backward + optimiser + validation
        return {
            "data": data,
            "forward": forward,
            "backward": backward,
            "optimiser": optimiser,
            "validation": validation,
            "logging, callbacks and checkpoints": max(0.0, epoch - known),
        }

    def _sum(self, endings: tuple[str, ...]) -> float:
        return sum(
            sum(seconds)
            for action, seconds in self.recorded_durations.items()
            if action.endswith(endings) and "[Callback]" not in action
        )

    def print_table(self, console: Console) -> None:
        """Show the phases to a person."""
        seconds = self.table()
        total = sum(seconds.values()) or 1.0
        table = Table(title="Where the time went", title_justify="left")
        table.add_column("phase")
        table.add_column("seconds", justify="right")
        table.add_column("share", justify="right")
        for phase, value in seconds.items():
            table.add_row(phase, f"{value:.2f}", f"{value / total:.1%}")
        console.print(table)


class StepTrace(pl.Callback):
    """Writes a PyTorch profiler trace of some early steps, for chrome://tracing or Perfetto."""

    def __init__(self, path: Path) -> None:
        """Take the JSON file to write to."""
        self._path = path
        activities = [ProfilerActivity.CPU]
        if torch.cuda.is_available():
            activities.append(ProfilerActivity.CUDA)
        self._profile = profile(
            activities=activities,
            schedule=schedule(wait=_WAIT, warmup=_WARM_UP, active=_ACTIVE, repeat=1),
            on_trace_ready=lambda trace: trace.export_chrome_trace(str(path)),
        )

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Begin to count steps."""
        del trainer, pl_module
        self._profile.start()

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: object,
        batch: object,
        batch_idx: int,
    ) -> None:
        """Count a step; the trace is written when enough were seen."""
        del trainer, pl_module, outputs, batch, batch_idx
        self._profile.step()

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Stop, and say where the trace is."""
        del pl_module
        self._profile.stop()
        if self._path.exists():
            logger.info("profiler trace: %s", self._path)
        else:
            logger.warning(
                "no profiler trace: %d steps are too few, it begins after %d",
                trainer.global_step,
                _WAIT + _WARM_UP,
            )

    def on_exception(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException
    ) -> None:
        """Stop: the next run of this process could not start a profiler beside this one."""
        del trainer, pl_module, exception
        self._profile.stop()
