"""How a network learns, as a Lightning module: one loss, one optimiser, a few figures.

Batches are `(images uint8 (N, H, W, C), labels int64 (N,))`, augmented before they come here.
Knows nothing of where they come from, nor of callbacks, loggers and files.
"""

import math

import pytorch_lightning as pl
import torch
from mlopsproj_core.errors import ConfigError
from pytorch_lightning.utilities.types import OptimizerLRScheduler
from torch import Tensor
from torch.nn import functional

from mlopsproj_models.config import LossConfig, ModelConfig, OptimizerConfig
from mlopsproj_models.networks import ResidualNetwork
from mlopsproj_models.schedule import check_optimizer, make_optimizer, make_schedule

Batch = tuple[Tensor, Tensor]


class ImageClassifier(pl.LightningModule):
    """Trains a network to classify images.

    Logs `train/loss`, `val/loss` and `val/accuracy` (0 to 1), each once an epoch.
    """

    def __init__(
        self, network: ResidualNetwork, *, model: ModelConfig, optimizer: OptimizerConfig
    ) -> None:
        """Take a network to train.

        Args:
            network: with its normalisation set.
            model: its loss, and whether it is compiled.
            optimizer: rate, decay and schedule.

        Raises:
            ConfigError: if loss or optimiser cannot work with these settings.
        """
        super().__init__()
        _check(model.loss)
        check_optimizer(optimizer)
        self.network = network
        self._model_config = model
        self._optimizer_config = optimizer
        self._losses: list[Tensor] = []

    def on_fit_start(self) -> None:
        """Compile in place, so that the names of the weights in a checkpoint stay."""
        if self._model_config.compile:
            self.network.compile()

    def on_train_epoch_start(self) -> None:
        """Forget the losses of the epoch before."""
        self._losses.clear()

    def training_step(self, batch: Batch) -> Tensor:
        """Loss of one batch, mixed where the configuration says so."""
        images, labels = batch
        inputs = self.network.normalise(images)
        smoothing = self._model_config.loss.label_smoothing
        alpha = self._model_config.loss.mixup_alpha
        if alpha > 0:
            inputs, partners, share = mixup(inputs, alpha)
            logits = self.network(inputs)
            loss = share * functional.cross_entropy(logits, labels, label_smoothing=smoothing) + (
                1 - share
            ) * functional.cross_entropy(logits, labels[partners], label_smoothing=smoothing)
        else:
            loss = functional.cross_entropy(self.network(inputs), labels, label_smoothing=smoothing)
        # Lightning's own mean over an epoch takes longer at each step than a small layer.
        self._losses.append(loss.detach())
        return loss

    def on_validation_epoch_start(self) -> None:
        """Log the mean loss of the epoch's training batches, which are of one size."""
        if self._losses:
            self.log("train/loss", torch.stack(self._losses).mean(), on_epoch=True)

    def validation_step(self, batch: Batch) -> None:
        """Add a batch to the epoch's loss and accuracy, without smoothing or mixing."""
        images, labels = batch
        logits = self.network(self.network.normalise(images)).float()
        figures = {
            "val/loss": functional.cross_entropy(logits, labels),
            "val/accuracy": (logits.argmax(dim=1) == labels).float().mean(),
        }
        self.log_dict(figures, on_epoch=True, prog_bar=True, batch_size=len(labels), sync_dist=True)

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """AdamW, its rate set at each step."""
        optimizer = make_optimizer(self.network, self._optimizer_config)
        steps = int(self.trainer.estimated_stepping_batches)
        schedule = make_schedule(optimizer, self._optimizer_config, steps=steps)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }


def mixup(inputs: Tensor, alpha: float) -> tuple[Tensor, Tensor, Tensor]:
    """Mix each image with another of its batch (Zhang et al. 2018, arXiv:1710.09412).

    Args:
        inputs: `(N, C, H, W)` float.
        alpha: of the Beta distribution; 1 is uniform.

    Returns:
        The mixed images, the partners' indices `(N,)`, and the share, 0 to 1, that is left of
        each image itself.
    """
    # Drawn on the CPU from torch's own generator: the same draws whatever the device.
    share = torch.distributions.Beta(alpha, alpha).sample().to(inputs.device)
    partners = torch.randperm(len(inputs)).to(inputs.device)
    return inputs.lerp(inputs[partners], 1 - share), partners, share


def _check(loss: LossConfig) -> None:
    if not 0 <= loss.label_smoothing < 1:
        raise ConfigError(
            f"model.loss.label_smoothing={loss.label_smoothing}: give 0 or more and less than 1."
        )
    if not 0 <= loss.mixup_alpha < math.inf:
        raise ConfigError(f"model.loss.mixup_alpha={loss.mixup_alpha}: give 0 or more.")
